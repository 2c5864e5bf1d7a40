import type { TranscriptBlock, TranscriptMessage, TranscriptPage } from "@wharf/protocol";
import type { Client } from "../../sdk/create-client.ts";
import type { Io } from "../io.ts";
import { wrapped } from "./fit-text.ts";
import { plain, plainLines, timeOf } from "./text.ts";

const PAGE_MESSAGES = 200;

/** All pages. As JSON: one value per message. */
export async function printTranscript(io: Io, client: Client, id: string, isJson: boolean): Promise<void> {
  let cursor: string | null = null;
  let messages = 0;
  do {
    const page: TranscriptPage = await client.transcripts.messages(id, {
      limit: PAGE_MESSAGES,
      density: isJson ? "full" : "steps",
      ...(cursor === null ? {} : { cursor }),
    });
    for (const message of page.messages) {
      if (isJson) io.json(message);
      else printMessage(io, message);
    }
    messages += page.messages.length;
    cursor = page.next_cursor;
  } while (cursor !== null);
  if (messages === 0) io.warn("The hub has no messages of this session.");
}

function printMessage(io: Io, message: TranscriptMessage): void {
  const texts = message.content_blocks.map((block) => textOf(block, message)).filter((text) => text !== "");
  if (texts.length === 0) return;
  const time = message.timestamp === null ? "" : `  ${timeOf(io, message.timestamp)}`;
  io.print(io.colors.bold(`${message.message_type}${io.colors.dim(time)}`));
  for (const text of texts) io.print(wrapped(io, text));
  io.print("");
}

function textOf(
  { block_type, content_text, tool_name, call, metadata }: TranscriptBlock,
  { file, line_number }: TranscriptMessage,
): string {
  if (block_type === "tool_use") {
    const state = call === null || call.state === "ok" ? "" : ` (${call.state})`;
    return `  > ${plain(`${tool_name ?? "tool"} ${call?.target ?? ""}`)}${state}`;
  }
  if (block_type === "image") {
    const line = metadata.images?.[0]?.line ?? line_number;
    return `  ${plain(`[${metadata.media_type ?? "image"} in line ${line} of ${file}]`)}`;
  }
  return block_type === "text" ? plainLines(content_text ?? "").trim() : "";
}
