import { callBlock, EMPTY_BLOCK, resultBlock, textBlock } from "../blocks.ts";
import { exitCodeOf } from "../calls/exit-code.ts";
import type { Block } from "../contract.ts";
import { imagesIn, type Place, within } from "../images.ts";
import {
  isObject,
  type JsonObject,
  type JsonValue,
  number,
  object,
  objects,
  placedObjects,
  text,
} from "../lines/json.ts";

/** A script of the model that makes the calls which stand in items of their own. */
const SCRIPT_TOOL = "exec";

/** The texts and images of the content of an item, which is at `place`. */
export function readContent(item: JsonObject, place: Place): Block[] {
  return placedObjects(item["content"]).map(([index, part]) => {
    const value = text(part, "text");
    if (value !== null) return textBlock(value);
    const isImage = /image/i.test(text(part, "type") ?? "");
    const type = isImage ? "image" : "other";
    const { images } = imagesIn(part, within(place, "content", index));
    return {
      ...EMPTY_BLOCK,
      type,
      text: images?.[0]?.media_type ?? text(part, "type"),
      ...(images && { images }),
    };
  });
}

/** A call, or its output, of the item at `place`; null for an item that is neither, and for the script round other calls. */
export function readCall(item: JsonObject, place: Place): Block | null {
  const call_id = text(item, "call_id") ?? text(item, "id");
  switch (text(item, "type")) {
    case "function_call":
      return callBlock(text(item, "name"), call_id, decoded(item["arguments"]));
    case "custom_tool_call": {
      const name = text(item, "name");
      return name === SCRIPT_TOOL ? null : callBlock(name, call_id, item["input"] ?? null);
    }
    case "local_shell_call":
      return callBlock("shell", call_id, object(item, "action"));
    case "web_search_call":
      return callBlock("web_search", call_id, object(item, "action"));
    case "function_call_output":
    case "custom_tool_call_output":
    case "local_shell_call_output":
      return { ...readOutput(item, call_id), ...imagesIn(decoded(item["output"]), within(place, "output")) };
    default:
      return null;
  }
}

function readOutput(item: JsonObject, call_id: string | null): Block {
  const output = decoded(item["output"]);
  if (isObject(output)) {
    const code = number(object(output, "metadata"), "exit_code");
    const value = text(output, "output") ?? text(output, "content") ?? JSON.stringify(output);
    return resultBlock(call_id, value, output["success"] === false || (code ?? 0) !== 0, code);
  }
  const value = Array.isArray(output)
    ? objects({ output }, "output")
        .flatMap((part) => text(part, "text") ?? [])
        .join("\n")
    : output;
  if (typeof value !== "string") return resultBlock(call_id, null, false);
  return resultBlock(call_id, value, (exitCodeOf(value) ?? 0) !== 0);
}

/** JSON in a text, decoded; any other value as it is. */
function decoded(value: JsonValue | undefined): JsonValue {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value ?? null;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** The call and its result of an item of a paginated history; null for an item that is no call. */
export function readCompletedItem(item: JsonObject, place: Place): Block[] | null {
  const id = text(item, "id");
  const exit_code = number(item, "exit_code") ?? number(item, "exitCode");
  const isFailed = text(item, "status") === "failed" || (exit_code ?? 0) !== 0;
  const call = (tool: string, input: JsonValue, output: string | null = null) => [
    callBlock(tool, id, input),
    { ...resultBlock(id, output, isFailed, exit_code), ...imagesIn(item["result"], within(place, "result")) },
  ];
  switch (itemType(item)) {
    case "commandexecution":
      return call(
        "exec_command",
        { command: item["command"] ?? null },
        text(item, "aggregated_output") ?? text(item, "aggregatedOutput"),
      );
    case "filechange":
      return call("apply_patch", { changes: item["changes"] ?? null });
    case "mcptoolcall":
      return call(
        `mcp__${text(item, "server") ?? ""}__${text(item, "tool") ?? ""}`,
        item["arguments"] ?? null,
      );
    case "dynamictoolcall":
    case "collabagenttoolcall":
      return call(text(item, "tool") ?? "tool", item["arguments"] ?? null);
    case "websearch":
      return call("web_search", { query: item["query"] ?? null });
    default:
      return null;
  }
}

/** The type without case: some versions write `userMessage`, others `UserMessage`. */
export function itemType(item: JsonObject): string {
  return (text(item, "type") ?? "").toLowerCase();
}
