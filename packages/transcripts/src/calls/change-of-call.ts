import { isObject, type JsonObject, type JsonValue, objects, text } from "../lines/json.ts";
import { diffText, linesOf } from "./line-diff.ts";

const PATCHED_FILE = /^\*\*\* (?:Add File|Update File|Delete File|Move to): (.+)$/;

/**
 * What the input of a writing call shows of its change of a file, as lines that begin with `-`, `+`, or a space where they are common to both; `@@` where others are left out.
 * Null where it shows none: another tool, or another file. Never throws.
 */
export function changeOfCall(input: JsonValue, path: string): string | null {
  if (typeof input === "string") return sectionOf(input, path);
  if (!isObject(input)) return null;
  const patch = text(input, "input") ?? text(input, "patch") ?? text(input, "patchText");
  if (patch !== null) return sectionOf(patch, path);
  const changes = input["changes"];
  if (Array.isArray(changes))
    return changeIn(objects(input, "changes").find((change) => text(change, "path") === path));
  if (isObject(changes)) return changeIn(changes[path]);
  const written = text(input, "content") ?? text(input, "file_text");
  if (written !== null) return added(written);
  const edits = Array.isArray(input["edits"]) ? objects(input, "edits") : [input];
  const parts = edits.flatMap((edit) => editOf(edit) ?? []);
  return parts.length === 0 ? null : parts.filter((part) => part !== "").join("\n@@\n");
}

function editOf(edit: JsonObject): string | null {
  const texts = textsOfEdit(edit);
  return texts === null ? null : diffText(texts.before, texts.after);
}

/** What an edit replaces, and by what, under the names of several agents; null where it names neither. */
export function textsOfEdit(edit: JsonObject): { before: string; after: string } | null {
  const before = text(edit, "old_string") ?? text(edit, "oldString") ?? text(edit, "old_str");
  const after = text(edit, "new_string") ?? text(edit, "newString") ?? text(edit, "new_str");
  return before === null && after === null ? null : { before: before ?? "", after: after ?? "" };
}

function changeIn(change: JsonValue | undefined): string | null {
  if (!isObject(change)) return null;
  const content = text(change, "content");
  return text(change, "unified_diff") ?? text(change, "diff") ?? (content === null ? null : added(content));
}

/** The lines of a patch that are about this file. */
function sectionOf(patch: string, path: string): string | null {
  const lines: string[] = [];
  let isOfFile = false;
  let isFound = false;
  for (const line of patch.split("\n")) {
    const file = PATCHED_FILE.exec(line)?.[1]?.trim();
    if (file !== undefined && line.startsWith("*** Move to")) isOfFile ||= file === path;
    else if (file !== undefined) isOfFile = file === path;
    else if (line.startsWith("*** ")) isOfFile = false;
    else if (isOfFile) lines.push(line);
    isFound ||= isOfFile;
  }
  return isFound ? lines.join("\n") : null;
}

function added(value: string): string {
  return linesOf(value)
    .map((line) => `+${line}`)
    .join("\n");
}
