import type { ContentBlock, TranscriptDensity, TranscriptMessage } from "@wharf/protocol";
import type { ComponentChildren, JSX } from "preact";
import { counted } from "../../format/numbers.ts";
import { clockText, instantText } from "../../format/times.ts";
import { Cut } from "../../text/cut.tsx";
import { Markdown } from "../../text/markdown.tsx";
import { Output } from "../../text/output.tsx";
import { Badge } from "../../ui/parts.tsx";
import { Fold } from "./fold.tsx";
import { Images } from "./images.tsx";
import { type Item, keyOf } from "./items.ts";
import { Step } from "./step.tsx";
import { WholeText } from "./whole-text.tsx";

const PROMPT_LINES = 30;
const PROMPT_NAMES: Readonly<Record<string, string>> = {
  prompt: "Prompt",
  command: "Command",
  shell_command: "Shell command",
  interruption: "Interrupted",
  task: "Task",
};

type Props = { item: Item; density: TranscriptDensity };

export function ItemView({ item, density }: Props): JSX.Element {
  switch (item.type) {
    case "calls":
      return <Calls calls={item.calls} density={density} />;
    case "compaction":
      return <Compaction message={item.message} texts={item.texts} />;
    case "rewound":
      // Its content is there while it is folded: the outline leads to prompts in it.
      return (
        <details class="fold">
          <summary>{counted(item.messages, "rewound message")}</summary>
          {item.items.map((one) => (
            <ItemView key={keyOf(one)} item={one} density={density} />
          ))}
        </details>
      );
    default:
      return <BlockItem item={item} />;
  }
}

function Calls({
  calls,
  density,
}: {
  calls: Extract<Item, { type: "calls" }>["calls"];
  density: TranscriptDensity;
}) {
  const steps = calls.map((call) => (
    <Step key={call.block.id} call={call} isOpen={density === "full"} sessionId={call.message.session_id} />
  ));
  if (calls.length === 1) return <>{steps}</>;
  return (
    <section class="parallel" aria-label={`${calls.length} calls of one response`}>
      {steps}
    </section>
  );
}

type BlockItemOf = Exclude<Item, { type: "calls" | "compaction" | "rewound" }>;

function BlockItem({ item: { type, message, block } }: { item: BlockItemOf }): JSX.Element | null {
  const whole = (render: (text: string) => ComponentChildren) => (
    <WholeText block={block} sessionId={message.session_id} messageId={message.id}>
      {(one) => render(one.content_text ?? one.thinking_text ?? one.result_text ?? "")}
    </WholeText>
  );
  switch (type) {
    case "prompt":
      return (
        <article class="prompt" data-message={message.id}>
          <MessageHead message={message} name={PROMPT_NAMES[message.kind ?? ""] ?? "Prompt"} />
          {whole((text) => (
            <p class="wrapped">
              <Cut text={text} lines={PROMPT_LINES} />
            </p>
          ))}
        </article>
      );
    case "answer":
      return (
        <article class="answer" data-message={message.id}>
          {whole((text) => (
            <Markdown text={text} />
          ))}
        </article>
      );
    case "attachment":
      return (
        <div data-message={message.id}>
          {block.metadata.images === undefined ? (
            <p class="faint">{withoutBytes(block)}</p>
          ) : (
            <Images block={block} sessionId={message.session_id} />
          )}
        </div>
      );
    case "output":
      return (
        <div data-message={message.id}>
          {whole((text) => (text === "" ? null : <Output text={text} />))}
          <Images block={block} sessionId={message.session_id} />
        </div>
      );
    default:
      return (
        <Fold summary={type === "thinking" ? "Thinking" : nameOfNote(message)} message={message.id}>
          {() =>
            block.block_type === "redacted_thinking" ? (
              <p class="faint">The provider of the model hid this text.</p>
            ) : (
              whole((text) => <Output text={text} lines={NOTE_LINES} />)
            )
          }
        </Fold>
      );
  }
}

const NOTE_LINES = 60;

function withoutBytes({ block_type, metadata: { media_type } }: ContentBlock): ComponentChildren {
  const name = media_type ?? block_type;
  if (block_type === "document") return <>A document ({name}), which is in the raw transcript file alone.</>;
  return (
    <>
      An image ({name}) is not shown: the transcript only names it, or an earlier version of the hub parsed
      the session.
    </>
  );
}

function nameOfNote({ kind, role }: TranscriptMessage): string {
  if (kind === "context") return "Added for the model";
  return kind === "system" ? "Note of the agent" : (kind ?? role ?? "Record");
}

function MessageHead({ message, name }: { message: TranscriptMessage; name: string }): JSX.Element {
  return (
    <header>
      <strong>{name}</strong>
      {message.is_copy && <Badge tone="quiet">copied from another session</Badge>}
      {message.is_dropped && <Badge tone="quiet">no longer in the file</Badge>}
      {message.timestamp !== null && (
        <time class="faint" dateTime={message.timestamp} title={instantText(message.timestamp)}>
          {clockText(message.timestamp)}
        </time>
      )}
    </header>
  );
}

function Compaction({
  message,
  texts,
}: {
  message: TranscriptMessage;
  texts: readonly string[];
}): JSX.Element {
  return (
    <Fold name="compaction" summary={<span>Context compacted</span>} message={message.id}>
      {() => <Markdown text={texts.join("\n\n")} />}
    </Fold>
  );
}
