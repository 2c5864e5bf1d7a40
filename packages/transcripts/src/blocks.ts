import type { Block } from "./contract.ts";
import type { JsonValue } from "./lines/json.ts";

export const EMPTY_BLOCK: Block = {
  type: "other",
  text: null,
  tool: null,
  call_id: null,
  input: null,
  is_error: null,
  exit_code: null,
  spilled: null,
};

export function textBlock(text: string): Block {
  return { ...EMPTY_BLOCK, type: "text", text };
}

export function callBlock(tool: string | null, call_id: string | null, input: JsonValue): Block {
  return { ...EMPTY_BLOCK, type: "tool_use", tool, call_id, input };
}

export function resultBlock(
  call_id: string | null,
  text: string | null,
  is_error: boolean,
  exit_code: number | null = null,
): Block {
  return { ...EMPTY_BLOCK, type: "tool_result", call_id, text, is_error, exit_code };
}
