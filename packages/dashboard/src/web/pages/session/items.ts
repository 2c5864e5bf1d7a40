import type { TranscriptBlock, TranscriptMessage, TranscriptPage } from "@wharf/protocol";

export type Call = {
  message: TranscriptMessage;
  block: TranscriptBlock;
  /** Of the message with the result, where it is on this page or the next one. */
  result: { message: TranscriptMessage; block: TranscriptBlock } | null;
};

/** What is shown of a transcript, in its order. */
export type Item =
  | {
      type: "prompt" | "answer" | "thinking" | "attachment" | "output" | "note";
      message: TranscriptMessage;
      block: TranscriptBlock;
    }
  /** Calls of one response, which ran at the same time. */
  | { type: "calls"; calls: readonly Call[] }
  /** The records of a compaction, and the summary that replaces the messages before it. */
  | { type: "compaction"; message: TranscriptMessage; texts: readonly string[] }
  | { type: "rewound"; items: readonly Item[]; messages: number };

const PROMPTS: ReadonlySet<string> = new Set(["prompt", "command", "shell_command", "interruption", "task"]);

function isPrompt({ kind }: TranscriptMessage): boolean {
  return PROMPTS.has(kind ?? "");
}

/** The items of a page. The pages before and behind it hold the calls and results that belong to its own. */
export function itemsOf(
  page: TranscriptPage,
  before: TranscriptPage | undefined,
  behind: TranscriptPage | undefined,
): Item[] {
  const results = resultsOf([page, behind]);
  const called = callsOf([before, page]);
  const items: Item[] = [];
  for (const messages of groups(page.messages, ({ is_rewound }) => is_rewound)) {
    const own = messages.flatMap((message) => itemsOfMessage(message, results, called));
    const grouped = joined(own);
    if (messages[0]?.is_rewound) items.push({ type: "rewound", items: grouped, messages: messages.length });
    else items.push(...grouped);
  }
  return items;
}

/** A key that stays while the item grows. */
export function keyOf(item: Item): string {
  if (item.type === "calls") return item.calls[0]?.block.id ?? "";
  if (item.type === "rewound") return `rewound ${item.items[0] === undefined ? "" : keyOf(item.items[0])}`;
  return item.type === "compaction" ? item.message.id : item.block.id;
}

type Results = ReadonlyMap<string, NonNullable<Call["result"]>>;

function itemsOfMessage(message: TranscriptMessage, results: Results, called: ReadonlySet<string>): Item[] {
  if (message.kind === "compaction") {
    const texts = message.content_blocks.flatMap(({ content_text }) => content_text ?? []);
    return [{ type: "compaction", message, texts }];
  }
  return message.content_blocks.flatMap((block): Item[] => {
    switch (block.block_type) {
      case "tool_use":
        return [
          {
            type: "calls",
            calls: [{ message, block, result: results.get(block.tool_use_id ?? "") ?? null }],
          },
        ];
      case "tool_result":
        return called.has(block.tool_result_id ?? "") ? [] : [{ type: "output", message, block }];
      case "thinking":
      case "redacted_thinking":
        return [{ type: "thinking", message, block }];
      case "image":
      case "document":
        return [{ type: "attachment", message, block }];
      default:
        return [{ type: typeOf(message), message, block }];
    }
  });
}

function typeOf(message: TranscriptMessage): "prompt" | "answer" | "note" {
  if (isPrompt(message)) return "prompt";
  return message.kind === "assistant" ? "answer" : "note";
}

function resultsOf(pages: readonly (TranscriptPage | undefined)[]): Results {
  const results = new Map<string, NonNullable<Call["result"]>>();
  for (const page of pages)
    for (const message of page?.messages ?? [])
      for (const block of message.content_blocks)
        if (block.tool_result_id !== null) results.set(block.tool_result_id, { message, block });
  return results;
}

function callsOf(pages: readonly (TranscriptPage | undefined)[]): Set<string> {
  const calls = new Set<string>();
  for (const page of pages)
    for (const message of page?.messages ?? [])
      for (const { tool_use_id } of message.content_blocks) if (tool_use_id !== null) calls.add(tool_use_id);
  return calls;
}

/** Neighbouring calls of one response, and neighbouring records of one compaction, as one item. */
function joined(items: readonly Item[]): Item[] {
  const all: Item[] = [];
  for (const item of items) {
    const both = together(all.at(-1), item);
    if (both === null) all.push(item);
    else all.splice(-1, 1, both);
  }
  return all;
}

function together(last: Item | undefined, item: Item): Item | null {
  if (last?.type === "compaction" && item.type === "compaction")
    return { ...last, texts: [...last.texts, ...item.texts] };
  if (last?.type !== "calls" || item.type !== "calls") return null;
  const isOfSameResponse = responseOf(last) !== null && responseOf(last) === responseOf(item);
  return isOfSameResponse ? { type: "calls", calls: [...last.calls, ...item.calls] } : null;
}

function responseOf({ calls }: { calls: readonly Call[] }): string | null {
  const message = calls[0]?.message;
  return message?.response_key ?? null;
}

/** Runs of neighbours with the same value. */
function groups<T>(all: readonly T[], markOf: (one: T) => unknown): T[][] {
  const runs: T[][] = [];
  for (const one of all) {
    const run = runs.at(-1);
    if (run?.[0] !== undefined && markOf(run[0]) === markOf(one)) run.push(one);
    else runs.push([one]);
  }
  return runs;
}
