import type { ContentBlock, SessionDetail, TranscriptMessage } from "@wharf/protocol";
import type { Database } from "../../db/database.ts";
import { messagesOf, wholeBlocks } from "./messages-of-session.ts";

/** A session to read: what people wrote and the agent answered; the calls between two texts are folded into a list. */
export async function* exportMarkdown(database: Database, session: SessionDetail): AsyncGenerator<string> {
  yield `# ${oneLine(session.title ?? session.id)}\n\n${factsOf(session)}`;
  yield* sectionsOf(database, session.id, null);
  for (const subagent of session.subagents) {
    const name = oneLine(subagent.agent_name ?? subagent.agent_id ?? subagent.id);
    yield `\n# Subagent ${name} (${oneLine(subagent.agent_type)})\n`;
    yield* sectionsOf(database, session.id, subagent.id);
  }
}

function factsOf(session: SessionDetail): string {
  const cost = session.cost_estimate_usd;
  const facts: [string, string | null][] = [
    ["Session", session.id],
    ["Agent", session.agent],
    ["Workspace", session.workspace_canonical_id],
    ["Device", session.device_name],
    ["Branch", session.git_branch],
    ["Started", session.started_at],
    ["Ended", session.ended_at],
    [
      "Cost",
      cost === null ? null : `${cost.toFixed(2)} USD${session.cost_is_partial === true ? " at least" : ""}`,
    ],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : `- ${name}: ${oneLine(value)}\n`)).join("");
}

const HEADINGS: Readonly<Record<string, string>> = {
  prompt: "Prompt",
  command: "Command",
  shell_command: "Shell command",
  interruption: "Interrupted",
  task: "Task",
  compaction: "Compaction",
};

async function* sectionsOf(
  database: Database,
  session_id: string,
  subagent_id: string | null,
): AsyncGenerator<string> {
  let calls: string[] = [];
  for await (const message of messagesOf(database, { session_id, subagent_id }, "steps")) {
    const heading = HEADINGS[message.kind ?? ""] ?? "Answer";
    const texts: string[] = [];
    for await (const block of wholeBlocks(database, message)) {
      if (block.content_text) texts.push(block.content_text);
      if (block.block_type === "image") texts.push(imageOf(message, block));
    }
    const isText = heading !== "Answer" || texts.length > 0;
    if (isText && calls.length > 0) {
      yield folded(calls);
      calls = [];
    }
    if (isText) yield sectionOf(heading, message, texts.join("\n\n"));
    calls.push(...callsOf(message));
    if (calls.length >= CALLS_PER_LIST_MAX) {
      yield folded(calls);
      calls = [];
    }
  }
  if (calls.length > 0) yield folded(calls);
}

/** Of a turn of very many calls, so many are one list. */
const CALLS_PER_LIST_MAX = 1_000;

function sectionOf(
  heading: string,
  { timestamp, is_rewound, is_dropped }: TranscriptMessage,
  text: string,
): string {
  const time = timestamp === null ? "" : ` · ${timestamp.slice(0, 19)}Z`;
  const shown = heading === "Answer" ? text : text.replaceAll(/^/gm, "> ");
  const marks = `${is_rewound ? " · rewound" : ""}${is_dropped ? " · removed from the file" : ""}`;
  return `\n## ${heading}${time}${marks}\n\n${shown}\n`;
}

/** Its bytes are in the transcript file. */
function imageOf({ file, line_number }: TranscriptMessage, { metadata }: ContentBlock): string {
  const line = metadata.images?.[0]?.line ?? line_number;
  return `[${oneLine(metadata.media_type ?? "image")} in line ${line} of ${code(file ?? "its file")}]`;
}

function callsOf({ content_blocks }: TranscriptMessage): string[] {
  return content_blocks.flatMap(({ block_type, tool_name, call }) => {
    if (block_type !== "tool_use") return [];
    const target = call?.target == null ? "" : ` ${code(call.target)}`;
    return `- ${oneLine(tool_name ?? "call")}${target} — ${call?.state ?? "unknown"}`;
  });
}

function folded(calls: readonly string[]): string {
  const title = calls.length === 1 ? "1 call" : `${calls.length} calls`;
  return `\n<details><summary>${title}</summary>\n\n${calls.join("\n")}\n\n</details>\n`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("<", "&lt;");
}

function code(text: string): string {
  return `\`${text.replaceAll(/\s+/g, " ").replaceAll("`", "'")}\``;
}
