import { callBlock, EMPTY_BLOCK, resultBlock, textBlock } from "../blocks.ts";
import type { Block } from "../contract.ts";
import { imagesIn, type Place, within } from "../images.ts";
import { type JsonObject, number, object, objects, text } from "../lines/json.ts";

/** A call of a tool that does not exist arrives as a completed call of this tool. */
const UNKNOWN_TOOL = "invalid";

/** A part of a message, which is at `place`, in the old tables or in the `content` of the new one. None for marks such as step-start. */
export function readPart(part: JsonObject, place: Place): Block[] {
  switch (text(part, "type")) {
    case "text":
      return [textBlock(text(part, "text") ?? "")];
    case "reasoning":
      return [{ ...EMPTY_BLOCK, type: "thinking", text: text(part, "text") }];
    case "tool":
      return readTool(part, place);
    case "file": {
      const mime = text(part, "mime");
      const type = mime?.startsWith("image/") ? "image" : "document";
      return [{ ...EMPTY_BLOCK, type, text: mime, ...imagesIn(part, place) }];
    }
    default:
      return [];
  }
}

function readTool(part: JsonObject, place: Place): Block[] {
  const name = text(part, "tool") ?? text(part, "name");
  const id = text(part, "callID") ?? text(part, "id");
  const state = object(part, "state");
  const call = callBlock(name, id, state["input"] ?? null);
  const status = text(state, "status");
  if (status !== "completed" && status !== "error") return [call];
  // A command that failed is completed; its exit code stands in the metadata alone.
  const exit = number(object(state, "metadata"), "exit");
  const isError = status === "error" || (exit ?? 0) !== 0 || name === UNKNOWN_TOOL;
  const parts = objects(state, "content").flatMap((content) => text(content, "text") ?? []);
  const output = text(state, "output") ?? text(state, "error") ?? parts.join("\n");
  const images = ["content", "attachments"].flatMap(
    (name) => imagesIn(state[name], within(place, "state", name)).images ?? [],
  );
  return [call, { ...resultBlock(id, output, isError, exit), ...(images.length > 0 && { images }) }];
}
