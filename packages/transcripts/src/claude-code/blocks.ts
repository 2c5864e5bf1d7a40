import { EMPTY_BLOCK, textBlock } from "../blocks.ts";
import type { Block, BlockType } from "../contract.ts";
import { imagesIn, type Place, within } from "../images.ts";
import {
  type JsonObject,
  type JsonValue,
  number,
  object,
  objects,
  placedObjects,
  text,
} from "../lines/json.ts";

const TYPES: Readonly<Record<string, BlockType>> = {
  text: "text",
  thinking: "thinking",
  redacted_thinking: "redacted_thinking",
  tool_use: "tool_use",
  server_tool_use: "tool_use",
  mcp_tool_use: "tool_use",
  tool_result: "tool_result",
  mcp_tool_result: "tool_result",
  web_search_tool_result: "tool_result",
  web_fetch_tool_result: "tool_result",
  code_execution_tool_result: "tool_result",
  image: "image",
  document: "document",
};

/** The blocks of a `message.content`, which is at `place`: a text, or a list of blocks. `result` is the record's `toolUseResult`. */
export function readBlocks(content: JsonValue | undefined, place: Place, result: JsonObject = {}): Block[] {
  if (typeof content === "string") return [textBlock(content)];
  return placedObjects(content).map(([index, block]) => readBlock(block, within(place, index), result));
}

function readBlock(block: JsonObject, place: Place, result: JsonObject): Block {
  const type = TYPES[text(block, "type") ?? ""] ?? "other";
  switch (type) {
    case "text":
      return { ...EMPTY_BLOCK, type, text: text(block, "text") };
    case "thinking":
      return { ...EMPTY_BLOCK, type, text: text(block, "thinking") };
    case "tool_use":
      return {
        ...EMPTY_BLOCK,
        type,
        tool: text(block, "name"),
        call_id: text(block, "id"),
        input: block["input"] ?? null,
      };
    case "tool_result":
      return {
        ...EMPTY_BLOCK,
        type,
        call_id: text(block, "tool_use_id"),
        text: resultText(block["content"]),
        is_error: block["is_error"] === true,
        spilled: readSpilled(result),
        ...imagesIn(block["content"], within(place, "content")),
      };
    // The bytes of images and documents stay in the raw line.
    case "image":
      return {
        ...EMPTY_BLOCK,
        type,
        text: text(object(block, "source"), "media_type"),
        ...imagesIn(block, place),
      };
    case "document":
      return { ...EMPTY_BLOCK, type, text: text(object(block, "source"), "media_type") };
    default:
      return { ...EMPTY_BLOCK, type, text: text(block, "type") };
  }
}

function resultText(content: JsonValue | undefined): string | null {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return null;
  const texts = objects({ content }, "content").flatMap((part) => text(part, "text") ?? []);
  return texts.length === 0 ? null : texts.join("\n");
}

/** By its base name alone: the stated path is absolute on the device, and is never followed. */
function readSpilled(result: JsonObject): Block["spilled"] {
  const name = text(result, "persistedOutputPath")?.split(/[\\/]/).at(-1);
  if (name === undefined || name === "" || name === "..") return null;
  return { file: `tool-results/${name}`, bytes: number(result, "persistedOutputSize") };
}
