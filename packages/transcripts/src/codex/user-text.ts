import { type JsonObject, object } from "../lines/json.ts";

/** What Codex writes in the user's name for the model. */
const INJECTED =
  /^\s*(?:# AGENTS\.md|<(?:environment_context|user_instructions|permissions|skill|skills|subagent_notification|turn_aborted|collaboration_mode|app_context|plugins|INSTRUCTIONS)\b)/;

/** Whether a record of the role user holds a text that a person typed. Newer versions have a field for it; in older ones the text decides. */
export function isTyped(item: JsonObject, value: string): boolean {
  const kinds = object(item, "internal_chat_message_metadata_passthrough")["content_item_kinds"];
  if (Array.isArray(kinds)) return kinds.some((kind) => typeof kind === "string" && kind.startsWith("user."));
  return value.trim() !== "" && !INJECTED.test(value);
}
