import { RedactionTimeError } from "@wharf/redaction";
import type { IngestNote } from "../db/ingest/ingest-notes.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import type { RedactedText, RedactText } from "../redaction/text-redaction.ts";
import { type CheckedEvent, isRejection, type Rejection } from "./check-event.ts";
import type { Checked } from "./store-checked.ts";

export type RedactChecked = (item: Checked) => Checked | Promise<Checked>;

const TOO_SLOW = "takes too long to be searched for secrets; send its data in smaller parts";
const NO_BLOBS = "[]";

/**
 * For the items of one request: replaces secrets in an event's data, blobs and notes, and in what is kept of a rejection. An event that
 * takes too long is rejected. Ids, types and times stay. Rejects while the hub's secret cannot be read.
 */
export async function openRedaction({
  texts,
  switches,
}: Pick<Redaction, "texts" | "switches">): Promise<RedactChecked> {
  const [redact] = await Promise.all([texts.open(), switches.refresh()]);
  return (item) => {
    if (isRejection(item)) return redactRejection(item, redact);
    return switches.isRedacted(item.workspace) ? redactEvent(item, redact) : item;
  };
}

/** Most events hold no secret, and are returned at once. */
function redactEvent(event: CheckedEvent, redact: RedactText): Checked | Promise<Checked> {
  const data = redact(event.data);
  if (data === null && event.blob_refs === NO_BLOBS && event.notes.length === 0) return event;
  return redactParts(event, data, redact).catch((error: unknown) => {
    if (!(error instanceof RedactionTimeError)) throw error;
    const { id, device_id, session_id } = event;
    return { id, device_id, session_id, error: TOO_SLOW, pointer: "/data", body: null };
  });
}

async function redactParts(
  event: CheckedEvent,
  data: ReturnType<RedactText>,
  redact: RedactText,
): Promise<CheckedEvent> {
  const redacted = await data;
  const notes: IngestNote[] = [];
  for (const note of event.notes) {
    notes.push({
      ...note,
      detail: await redactField(note.detail, redact),
      body: await redactField(note.body, redact),
    });
  }
  if (redacted !== null) notes.push(noteOf(event, redacted));
  return {
    ...event,
    data: redacted?.text ?? event.data,
    blob_refs: (await redact(event.blob_refs))?.text ?? event.blob_refs,
    notes,
  };
}

function noteOf({ id, device_id, session_id }: CheckedEvent, { counts }: RedactedText): IngestNote {
  const detail = JSON.stringify(Object.fromEntries([...counts].sort()));
  return { event_id: id, device_id, session_id, kind: "secrets_replaced", detail, body: null };
}

/** Of what takes too long nothing is kept. */
async function redactRejection(rejection: Rejection, redact: RedactText): Promise<Rejection> {
  const { id, error, pointer, body } = rejection;
  return {
    ...rejection,
    id: await redactField(id, redact),
    error: (await redactField(error, redact)) ?? TOO_SLOW,
    ...(pointer === undefined ? {} : { pointer: (await redactField(pointer, redact)) ?? "" }),
    body: await redactField(body, redact),
  };
}

async function redactField(text: string | null, redact: RedactText): Promise<string | null> {
  if (text === null) return null;
  try {
    return (await redact(text))?.text ?? text;
  } catch (error) {
    if (error instanceof RedactionTimeError) return null;
    throw error;
  }
}
