import { storableJsonText, storableText } from "@wharf/job-runner";
import {
  changesNamedDevice,
  describeIssue,
  type Event,
  eventSchema,
  type IssueInWords,
  idSchema,
  isKnownEventType,
  isUnknownValue,
  payloadSchemas,
  REMOTE_CHARACTERS_MAX,
  readPlainEvent,
  sessionFieldOf,
  UNASSOCIATED_WORKSPACE,
  withoutCredentials,
  withoutUrlCredentials,
} from "@wharf/protocol";
import type { IngestNote } from "../db/ingest/ingest-notes.ts";
import { findFlaw, holdsControlCharacters, isRecord, withoutControlCharacters } from "../json/clean-value.ts";
import type { Limits } from "../limits.ts";
import { keptBody, keptUnreadable, SEARCHED_CHARACTERS_MAX, withoutCutWord } from "./kept-body.ts";
import { mayHoldCredentials, withoutRemoteCredentials } from "./remote-fields.ts";
import type { WorkspaceReferences } from "./workspace-references.ts";

/** An event that may be stored as soon as its workspace has an id: its columns as text. */
export type CheckedEvent = {
  id: string;
  type: string;
  timestamp: string;
  device_id: string;
  session_id: string | null;
  /** A workspace's id (ULID) or its canonical id. */
  workspace: string;
  /** JSON. */
  data: string;
  /** JSON. */
  blob_refs: string;
  notes: IngestNote[];
};

export type Rejection = {
  id: string | null;
  device_id: string | null;
  session_id: string | null;
  error: string;
  pointer?: string;
  body: string | null;
};

export type CheckContext = {
  limits: Limits;
  now: () => Date;
  workspaceOf: WorkspaceReferences;
  /** The device that the sender's key is bound to; it cannot write as another. */
  boundDeviceId?: string | null;
};

/** A device's clock further ahead than this is noted. */
const CLOCK_AHEAD_MAX_MS = 24 * 60 * 60 * 1000;
/** Cleaning makes at least three bytes of the six in which JSON writes what cannot be stored. */
const CLEANING_SHRINKS_BY = 2;
/** What is kept of a line that cannot be read. */
const UNREADABLE_CHARACTERS_MAX = 200;
const SESSION_IN_LINE = /"session_id"\s*:\s*"([^"\\]+)"/;
/** Payload fields that hold a remote. */
const REMOTE_FIELDS = ["git_remote", "remote"] as const;

/** Checks one event and creates its row. Never throws: an event that cannot be stored is a rejection with a reason. */
export function checkEvent(value: unknown, context: CheckContext): CheckedEvent | Rejection {
  const checked = check(value, context);
  const sender = context.boundDeviceId ?? null;
  if (sender === null) return checked;
  if (isRejection(checked)) return { ...checked, device_id: sender };
  const pointer = checked.device_id === sender ? pointerToOtherDevice(value, sender) : "/device_id";
  if (pointer === null) return checked;
  // What an event claims is not what its sender is: the rejection is noted under the device whose key it was.
  return {
    ...reject(
      value,
      "device_id is not the one this key is bound to; use the id that was returned with the key",
      pointer,
    ),
    device_id: sender,
  };
}

function pointerToOtherDevice(value: unknown, sender: string): string | null {
  if (!isRecord(value) || !isRecord(value["data"]) || !changesNamedDevice(String(value["type"]))) return null;
  const named = value["data"]["device_id"] ?? "";
  return named === "" || named === sender ? null : "/data/device_id";
}

function check(value: unknown, context: CheckContext): CheckedEvent | Rejection {
  const { json_depth, json_values, event_bytes } = context.limits;
  const flaw = findFlaw(value, {
    json_depth,
    json_values,
    text_characters: event_bytes * CLEANING_SHRINKS_BY,
  });
  if (flaw !== null) return reject(value, flaw);
  const event = readPlainEvent(value) ?? parseEvent(value);
  if (isRejection(event)) return event;
  if (!isRecord(event.data)) return reject(value, "must be an object", "/data");
  for (const field of REMOTE_FIELDS) {
    if (lengthOf(event.data[field]) > REMOTE_CHARACTERS_MAX)
      return reject(value, `must be at most ${REMOTE_CHARACTERS_MAX} characters`, `/data/${field}`);
  }
  const texts = textsOf(event, event.data, context.limits.event_bytes);
  if (texts === null) {
    const detail = event.blob_refs.length === 0 ? "" : " with its blob_refs";
    return reject(value, `is larger than ${context.limits.event_bytes} bytes${detail}`, "/data");
  }
  const unknownValues: string[] = [];
  if (isKnownEventType(event.type)) {
    const issues = payloadSchemas[event.type].safeParse(event.data).error?.issues ?? [];
    const [refusal] = issues.filter((issue) => !isUnknownValue(issue, event.data));
    if (refusal !== undefined) return rejectIssue(value, describeIssue(refusal, event.data), "/data");
    unknownValues.push(...issues.map((issue) => describeIssue(issue, event.data).pointer));
  }
  // Named one by one: a spread costs every event 0.1 µs.
  const { data, blob_refs } = texts;
  return prepare(value, { event, unknownValues, data, blob_refs }, context);
}

type Texts = { data: Storable; blob_refs: Storable };

/** The event's payload and blobs as JSON; null when they are larger than an event may be. */
function textsOf(event: Event, payload: Record<string, unknown>, bytes_max: number): Texts | null {
  const data = storableData(payload, bytes_max);
  const blob_refs = event.blob_refs.length === 0 ? EMPTY_LIST : storableData(event.blob_refs, bytes_max);
  return exceedsBytes(data.text, blob_refs.text, bytes_max) ? null : { data, blob_refs };
}

function parseEvent(value: unknown): Event | Rejection {
  const parsed = eventSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return issue === undefined
    ? reject(value, "not an event")
    : rejectIssue(value, describeIssue(issue, value));
}

/** Roughly how many bytes an event takes while it waits to be written. */
export function sizeOfEvent({ data, blob_refs, notes }: CheckedEvent): number {
  return notes.reduce(
    (size, { detail, body }) => size + (detail?.length ?? 0) + (body?.length ?? 0),
    data.length + blob_refs.length,
  );
}

/** A line that is not JSON: its beginning is kept as text. No more, since the line may be of a session that was deleted. */
export function rejectUnreadable(line: string, error: string): Rejection {
  const kept = keptUnreadable(line);
  const isCut = kept !== null && kept.length > UNREADABLE_CHARACTERS_MAX;
  const body = isCut ? withoutCutWord(kept.slice(0, UNREADABLE_CHARACTERS_MAX)) : kept;
  return {
    id: null,
    device_id: null,
    session_id: sessionOfLine(line),
    error,
    body: body?.toWellFormed() ?? null,
  };
}

/** The session that a line names before its end or its damage: with the session, the note goes. */
function sessionOfLine(line: string): string | null {
  const named = SESSION_IN_LINE.exec(line.slice(0, SEARCHED_CHARACTERS_MAX))?.[1];
  const id = idSchema.safeParse(named).data;
  return id === undefined ? null : storableId(id).text;
}

export function isRejection(checked: object): checked is Rejection {
  return "error" in checked;
}

type Parts = Texts & { event: Event; unknownValues: readonly string[] };

function prepare(
  value: unknown,
  { event, data, blob_refs, unknownValues }: Parts,
  context: CheckContext,
): CheckedEvent {
  const notes: IngestNote[] = [];
  const note = (kind: string, detail: string, body: string | null = null) =>
    notes.push({
      event_id: event.id,
      device_id: device_id.text,
      session_id: namedSession,
      kind,
      detail,
      body,
    });

  const device_id = storableId(event.device_id);
  const session_id = storableId(event.session_id ?? sessionOfPayload(event.type, event.data) ?? "");
  const namedSession = session_id.text === "" ? null : session_id.text;
  if (device_id.changed || session_id.changed || data.changed || blob_refs.changed) {
    note(
      "characters_replaced",
      "NUL, lone surrogates or control characters became U+FFFD",
      keptBody(value, Number.POSITIVE_INFINITY),
    );
  }
  const workspace = context.workspaceOf(event.workspace_id);
  if (workspace === null)
    note("workspace_unknown", storableText(withoutCredentials(event.workspace_id).slice(0, 500)));
  for (const pointer of unknownValues)
    note("value_unknown", `/data${pointer}: not a value of its enumeration; stored as other`);
  const aheadMs = Date.parse(event.timestamp) - context.now().getTime();
  if (aheadMs > CLOCK_AHEAD_MAX_MS)
    note("clock_ahead", `${Math.round(aheadMs / 1000)} s ahead of the server`);
  return {
    id: event.id,
    type: event.type,
    timestamp: event.timestamp,
    device_id: device_id.text,
    session_id: namedSession,
    workspace: workspace ?? UNASSOCIATED_WORKSPACE,
    data: data.text,
    blob_refs: blob_refs.text,
    notes,
  };
}

type Storable = { text: string; changed: boolean };
const EMPTY_LIST: Storable = { text: "[]", changed: false };

/** The value as JSON that jsonb takes, without credentials. */
function storableData(value: unknown, bytes_max: number): Storable {
  const text = JSON.stringify(value);
  if (mayHoldCredentials(value, text))
    return storable(bytes_max, JSON.stringify(withoutRemoteCredentials(value)));
  return storable(bytes_max, text);
}

/** The value as JSON that jsonb accepts; unchanged when it is too large in any case. */
function storable(bytes_max: number, text: string): Storable {
  if (text.length > bytes_max * CLEANING_SHRINKS_BY) return { text, changed: false };
  const cleaned = storableJsonText(text);
  return { text: cleaned, changed: cleaned !== text };
}

function storableId(id: string): Storable {
  if (!holdsControlCharacters(id) && id.isWellFormed()) return { text: id, changed: false };
  return { text: withoutControlCharacters(id), changed: true };
}

/** Session events, and those of what a session started, name their session in the payload too. */
function sessionOfPayload(type: string, data: Record<string, unknown>): string | null {
  const field = sessionFieldOf(type);
  return field === undefined ? null : (idSchema.safeParse(data[field]).data ?? null);
}

/** The session that a rejected event names, in its stored form. */
function sessionOfRejected({ type, session_id, data }: Record<string, unknown>): string | null {
  const named = idSchema.safeParse(session_id).data;
  const id = named ?? (typeof type === "string" && isRecord(data) ? sessionOfPayload(type, data) : null);
  return id === null ? null : storableId(id).text;
}

/** A UTF-16 unit takes at most three bytes, so most texts need no counting. */
function exceedsBytes(data: string, blobRefs: string, bytes_max: number): boolean {
  if ((data.length + blobRefs.length) * 3 <= bytes_max) return false;
  const blobRefs_bytes = blobRefs === EMPTY_LIST.text ? 0 : Buffer.byteLength(blobRefs);
  return Buffer.byteLength(data) + blobRefs_bytes > bytes_max;
}

function lengthOf(value: unknown): number {
  return typeof value === "string" ? value.length : 0;
}

function rejectIssue(value: unknown, { pointer, detail }: IssueInWords, prefix = ""): Rejection {
  return reject(value, detail, prefix + pointer);
}

function reject(value: unknown, error: string, pointer?: string): Rejection {
  const event = isRecord(value) ? value : {};
  return {
    id: shortText(event["id"]),
    device_id: shortText(event["device_id"]),
    session_id: sessionOfRejected(event),
    error,
    ...(pointer === undefined || pointer === "" ? {} : { pointer }),
    // Of a session that cannot be told, its deletion would not take the note along.
    body: namesSession(event) ? keptBody(value) : null,
  };
}

/** Whether an event's session is a valid id, or there is none. */
function namesSession({ session_id }: Record<string, unknown>): boolean {
  return session_id === undefined || session_id === null || idSchema.safeParse(session_id).success;
}

function shortText(value: unknown): string | null {
  if (typeof value !== "string" || value.length > 200) return null;
  return withoutUrlCredentials(value.replaceAll("\0", "").toWellFormed());
}
