import { textBlock } from "../blocks.ts";
import type { Block, MessageKind } from "../contract.ts";
import { flag, type JsonObject, object, text } from "../lines/json.ts";
import { readBlocks } from "./blocks.ts";
import { readUserText } from "./user-text.ts";

export type UserRecord = { kind: MessageKind; blocks: Block[] };

/** A record of type user. Most are written by the agent: results of calls, summaries, reminders, notifications. */
export function readUserRecord(record: JsonObject, line: number, isSubagent: boolean): UserRecord {
  const place = { line, path: ["message", "content"] };
  const blocks = readBlocks(object(record, "message")["content"], place, object(record, "toolUseResult"));
  if (blocks.some(({ type }) => type === "tool_result")) return { kind: "tool_result", blocks };
  if (flag(record, "isCompactSummary")) return { kind: "compaction", blocks };
  if (flag(record, "isMeta") || !isFromPerson(record)) return { kind: "context", blocks };
  if (isSubagent) return { kind: text(record, "parentUuid") === null ? "task" : "context", blocks };
  return typedPart(blocks);
}

function isFromPerson(record: JsonObject): boolean {
  const origin = text(object(record, "origin"), "kind");
  return origin === null || origin === "human";
}

/** The kind of the first text that a person typed decides; context in other blocks is left out. Images belong to the prompt. */
export function typedPart(blocks: Block[]): UserRecord {
  const texts = blocks.map((block) => (block.type === "text" ? readUserText(block.text ?? "") : null));
  const kind = texts.find((read) => read !== null && read.kind !== "context")?.kind;
  if (kind === undefined) {
    const hasOther = blocks.some(({ type }) => type === "image" || type === "document");
    return { kind: hasOther ? "prompt" : "context", blocks };
  }
  const typed = blocks.flatMap((block, index) => {
    const read = texts[index] ?? null;
    if (read === null) return [block];
    return read.kind === "context" ? [] : [textBlock(read.text)];
  });
  return { kind, blocks: typed };
}
