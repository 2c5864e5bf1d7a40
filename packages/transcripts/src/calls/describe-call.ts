import { isObject, type JsonObject, type JsonValue, objects, text } from "../lines/json.ts";
import { textsOfEdit } from "./change-of-call.ts";
import { diffLines, linesOf } from "./line-diff.ts";
import { readPatch } from "./patch.ts";

/** Lines that a call added to a file and removed from it; null where the call does not show them. */
export type FileWrite = { path: string; added: number | null; removed: number | null };

/** The effect of a call, independent of the agent's name for the tool. */
export type CallDescription = {
  reads: string[];
  writes: FileWrite[];
  /** Shell command. */
  command: string | null;
};

const NOTHING: CallDescription = { reads: [], writes: [], command: null };

/** Tools by their name in lower case; agents write `Read`, `read` and `read_file`. */
const READERS: ReadonlySet<string> = new Set(["read", "read_file", "notebookread", "view_image"]);
const WRITERS: ReadonlySet<string> = new Set(["write", "write_file", "create_file"]);
const EDITORS: ReadonlySet<string> = new Set([
  "edit",
  "multiedit",
  "notebookedit",
  "replace",
  "str_replace_editor",
]);
const SHELLS: ReadonlySet<string> = new Set([
  "bash",
  "shell",
  "shell_command",
  "exec_command",
  "run_shell_command",
  "local_shell",
]);
const PATCHERS: ReadonlySet<string> = new Set(["apply_patch", "patch"]);
const PATH_NAMES = ["file_path", "filePath", "absolute_path", "notebook_path", "path"] as const;

/** Empty for a tool that neither reads nor writes files nor runs a command. Never throws. */
export function describeCall(tool: string | null, input: JsonValue): CallDescription {
  const name = (tool ?? "").toLowerCase();
  if (PATCHERS.has(name)) return { ...NOTHING, writes: describePatch(input) };
  if (!isObject(input)) return NOTHING;
  if (SHELLS.has(name)) return { ...NOTHING, command: commandOf(input) };
  const path = PATH_NAMES.map((member) => text(input, member)).find((value) => value !== null) ?? null;
  if (path === null) return NOTHING;
  if (READERS.has(name)) return { ...NOTHING, reads: [path] };
  if (WRITERS.has(name)) return { ...NOTHING, writes: [{ path, ...writtenLines(input) }] };
  return EDITORS.has(name) ? { ...NOTHING, writes: [{ path, ...editedLines(input) }] } : NOTHING;
}

/** `["bash", "-lc", "make"]` is the command `make`. */
function commandOf(input: JsonObject): string | null {
  const command = input["command"] ?? input["cmd"] ?? null;
  if (typeof command === "string") return command;
  if (!Array.isArray(command)) return null;
  const words = command.filter((word) => typeof word === "string");
  const [shell = "", option = "", script] = words;
  const isScript = /(?:^|\/)(?:ba|z|da)?sh$/.test(shell) && /^-[a-z]*c$/.test(option);
  return isScript && script !== undefined ? script : words.join(" ");
}

/** A written file's lines are all added: what stood there before is not in the call. */
function writtenLines(input: JsonObject): Omit<FileWrite, "path"> {
  const content = text(input, "content") ?? text(input, "file_text");
  return { added: content === null ? null : countLines(content), removed: null };
}

function editedLines(input: JsonObject): Omit<FileWrite, "path"> {
  const edits = Array.isArray(input["edits"]) ? objects(input, "edits") : [input];
  let added = 0;
  let removed = 0;
  for (const edit of edits) {
    const texts = textsOfEdit(edit);
    if (texts === null) return { added: null, removed: null };
    for (const { sign } of diffLines(texts.before, texts.after)) {
      if (sign === "-") removed += 1;
      if (sign === "+") added += 1;
    }
  }
  return { added, removed };
}

function countLines(value: string): number {
  return linesOf(value).length;
}

/** A patch as text, in a member of the input, or as Codex's list of changes by file. */
function describePatch(input: JsonValue): FileWrite[] {
  if (typeof input === "string") return readPatch(input);
  if (!isObject(input)) return [];
  const patch = text(input, "input") ?? text(input, "patch") ?? text(input, "patchText");
  if (patch !== null) return readPatch(patch);
  const changes = input["changes"];
  if (Array.isArray(changes))
    return objects(input, "changes").flatMap((change) => {
      const path = text(change, "path");
      return path === null ? [] : [describeChange(path, change)];
    });
  if (!isObject(changes)) return [];
  return Object.entries(changes).map(([path, change]) =>
    describeChange(path, isObject(change) ? change : {}),
  );
}

function describeChange(path: string, change: JsonObject): FileWrite {
  const diff = text(change, "unified_diff") ?? text(change, "diff");
  const content = text(change, "content");
  if (diff !== null) {
    const lines = diff.split("\n").filter((line) => !/^(?:\+\+\+|---)/.test(line));
    const count = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
    return { path, added: count("+"), removed: count("-") };
  }
  return { path, added: content === null ? null : countLines(content), removed: null };
}
