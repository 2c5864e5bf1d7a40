import type { TranscriptKind } from "@wharf/protocol";
import { committingVerb, isObject, type JsonObject, type JsonValue, readRecord } from "@wharf/transcripts";
import { KEPT, KNOWN_INPUTS, KNOWN_NUMBERS, OPEN, PLACES, TOOL_INPUTS, TOOL_NAMES } from "./kept-names.ts";

const FILLER = "x";
const WORD = /^[^\s"'`]{1,200}$/;
const MEMBER = /^[A-Za-z$_][\w$-]{0,63}$/;
const COMMANDS: ReadonlySet<string> = new Set(["command", "cmd"]);
const STARTED: ReadonlySet<string> = new Set(["agentId", "agentType"]);
/** Of a command that is a list: `bash`, `-lc`, and the script. */
const SHELL_WORD = /^(?:(?:\/usr)?\/bin\/)?(?:ba|z|da)?sh$|^-[a-z]{0,2}c$/;
const MODEL = /^[a-z][\w.:@/[\]-]{0,100}$/;

/**
 * What agents write around and into texts, which distinguishes a prompt from a note, the exit code of a command, and the hash of a commit as
 * git prints it (`[main 1a2b3c4] Subject`): all other characters of a text are emptied. Line breaks stay, so that lines can be counted.
 */
const MARKS =
  /^\s+|\n|<\/?(?:INSTRUCTIONS|app_context|bash-input|bash-stderr|bash-stdout|collaboration_mode|command-args|command-message|command-name|environment_context|ide_diagnostics|ide_opened_file|ide_selection|local-command-caveat|local-command-stderr|local-command-stdout|permissions|plugins|skills?|subagent_notification|system-reminder|task-notification|teammate-message|turn_aborted|user_instructions)\b>?|^# AGENTS\.md|^\[Request interrupted|^(?:Exit code:?|Process exited with code|Exit Code:) -?\d{1,3}\b|^\[(?=[^\]\n]{1,255} [0-9a-f]{7,16}\] )|(?: \(root-commit\))? [0-9a-f]{7,16}\] (?<=^\[[^\]\n]{1,285}\] )/gm;

/** The text with the same length and lines, and without content. */
export function emptyText(text: string): string {
  let emptied = "";
  let end = 0;
  for (const { 0: mark, index } of text.matchAll(MARKS)) {
    emptied += fill(index - end, emptied) + mark;
    end = index + mark.length;
  }
  return emptied + fill(text.length - end, emptied);
}

/** Does not make the word longer that a mark ends with. */
function fill(length: number, before: string): string {
  return length > 0 && /\w$/.test(before) ? ` ${FILLER.repeat(length - 1)}` : FILLER.repeat(length);
}

/** A line of a transcript: the same record for its parser, with emptied texts. What is no record is emptied as a whole. */
export function emptyLine(line: string): string {
  const read = readRecord(line);
  if (read.line === "blank") return line;
  return read.line === "bad" ? FILLER.repeat(line.length) : JSON.stringify(emptyRecord(read.record));
}

/** A small file that is sent whole: one record, lines of an index, or the text that a tool returned. */
export function emptyWhole(kind: TranscriptKind, text: string): string {
  if (kind === "index") return text.split("\n").map(emptyLine).join("\n");
  return kind === "tool-result" ? emptyText(text) : emptyLine(text);
}

/** Strings stay only under names that are listed: a member that is not known is emptied. */
function emptyRecord(record: JsonObject): JsonObject {
  const isCall = TOOL_INPUTS.some((name) => record[name] !== undefined);
  return mapMembers(record, isMember, (value, name) => {
    if (name === "modelUsage" && isObject(value)) return emptyModels(value);
    if (name === "toolUseResult" && isObject(value)) return emptyResult(value);
    // What a tool returned, or a note that is one value, has no form of its own.
    if (name === "content" && ("tool_use_id" in record || !Array.isArray(value)))
      return emptyOpaque(value, name);
    if (isCall && TOOL_NAMES.has(name) && typeof value === "string" && WORD.test(value)) return value;
    return emptyMember(value, name);
  });
}

function emptyMember(value: JsonValue, name: string): JsonValue {
  if (typeof value === "string") {
    if (PLACES.has(name) || (KEPT.has(name) && WORD.test(value)) || isCount(value, name)) return value;
    return emptyJson(value);
  }
  if (typeof value !== "object" || value === null) return value;
  if (!OPEN.has(name)) return emptyOpaque(value, name);
  if (!Array.isArray(value)) return emptyRecord(value);
  return value.map((item) => (isObject(item) ? emptyRecord(item) : emptyMember(item, name)));
}

/** Of a call that started a subagent: it names the subagent. */
function emptyResult(result: JsonObject): JsonObject {
  const started = Object.entries(result).filter(([name]) => STARTED.has(name));
  const named = Object.fromEntries(started.map(([name, value = null]) => [name, emptyMember(value, name)]));
  return { ...mapMembers(result, (member) => KNOWN_INPUTS.has(member), emptyOpaque), ...named };
}

/** Names of models are members. */
function emptyModels(models: JsonObject): JsonObject {
  return mapMembers(models, (name) => MODEL.test(name), emptyOpen);
}

function emptyOpen(value: JsonValue): JsonValue {
  return isObject(value) ? emptyRecord(value) : emptyOpaque(value, "");
}

/** A text that is JSON stays JSON: it is read as what it holds. */
function emptyJson(text: string): string {
  if (!/^\s*[[{]/.test(text)) return emptyText(text);
  try {
    return JSON.stringify(emptyOpaque(JSON.parse(text), ""));
  } catch {
    return emptyText(text);
  }
}

/** What a tool was given or returned: its form, where it is known. */
function emptyOpaque(value: JsonValue, name: string): JsonValue {
  if (typeof value === "string") return COMMANDS.has(name) ? emptyCommand(value) : emptyJson(value);
  if (typeof value === "number") return KNOWN_NUMBERS.has(name) ? value : 0;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => emptyOpaque(item, name));
  return mapMembers(value, (member) => KNOWN_INPUTS.has(member), emptyOpaque);
}

/** A hash in the output of a command is of a commit that it made only if the command is known to make commits. */
function emptyCommand(command: string): string {
  if (SHELL_WORD.test(command)) return command;
  const verb = committingVerb(command);
  if (verb === null) return emptyJson(command);
  const kept = `git ${verb} `;
  return (kept + emptyText(command).slice(kept.length)).slice(0, command.length);
}

/** Some versions write numbers of tokens as texts. */
function isCount(value: string, name: string): boolean {
  return name.endsWith("_tokens") && /^\d{1,15}$/.test(value);
}

function isMember(name: string): boolean {
  return MEMBER.test(name);
}

/** A name that may be content is replaced by its place and length. */
function mapMembers(
  object: JsonObject,
  isKept: (name: string) => boolean,
  map: (value: JsonValue, name: string) => JsonValue,
): JsonObject {
  const entries = Object.entries(object).flatMap(([name, value], index) =>
    value === undefined
      ? []
      : [[isKept(name) ? name : `${index}${emptyText(name)}`, map(value, name)] as const],
  );
  return Object.fromEntries(entries);
}

/** Texts of an event that a hook reports; `data` keeps what names and counts. */
const EVENT_TEXTS: ReadonlySet<string> = new Set(["text", "message", "command", "paths", "path"]);

export function emptyEventData(data: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, emptyEventMember(value, name)]),
  );
}

function emptyEventMember(value: unknown, name: string): unknown {
  if (typeof value === "string") return EVENT_TEXTS.has(name) ? emptyText(value) : value;
  if (Array.isArray(value)) return value.map((item) => emptyEventMember(item, name));
  return typeof value === "object" && value !== null ? emptyEventData({ ...value }) : value;
}
