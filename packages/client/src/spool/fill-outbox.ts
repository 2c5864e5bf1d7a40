import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { NewEvent } from "../sdk/events.ts";
import {
  type ConvertDependencies,
  type Converted,
  convertHook,
  type NamedTranscript,
} from "./convert-hook.ts";
import type { DataPaths } from "./data-paths.ts";
import { nullIfMissing, removeFile, writeDurably } from "./files.ts";
import { listSpool, type Waiting } from "./list-spool.ts";
import { outboxLine } from "./outbox-line.ts";
import { readHookFile, UnreadableHookError } from "./read-hook-file.ts";
import { keepRejected } from "./rejected.ts";

export type FillOptions = ConvertDependencies & {
  paths: DataPaths;
  now?: () => number;
  /** Called for each transcript that a hook names. */
  onTranscript?: (transcript: NamedTranscript) => void;
};

/** A batch of the hub has at most 1,000 events and 8 MiB. */
const BATCH_EVENTS = 500;
const BATCH_BYTES = 4 * 1024 * 1024;
/** A file that a hook still writes after this was left by one that was killed. */
const UNFINISHED_MS = 60_000;

/**
 * Turns the hook files of the spool into batches of the outbox. A hook file is removed after its events are on disk: a crash between
 * leads to the same events in a second batch. Answers how many hook files are done.
 */
export async function fillOutbox(options: FillOptions): Promise<number> {
  const { paths, now = Date.now } = options;
  const { waiting, unfinished } = await listSpool(paths.spool);
  let batch: { lines: string[]; bytes: number; names: string[]; first: string | null } = emptyBatch();

  async function flush(): Promise<void> {
    if (batch.first !== null) {
      await mkdir(paths.outbox, { recursive: true, mode: 0o700 });
      // A name of its own: a second sender must not replace a batch while this one sends it.
      const name = `${batch.first}.${randomUUID()}.ndjson`;
      await writeDurably(join(paths.outbox, name), batch.lines.join(""));
    }
    for (const name of batch.names) await removeFile(join(paths.spool, name));
    batch = emptyBatch();
  }

  for (const file of waiting) {
    const converted = await convertFile(file, options, (reason) => rejectHook(options, file.name, reason));
    for (const { id, line } of linesOf(converted)) {
      batch.first ??= id;
      batch.lines.push(line);
      batch.bytes += line.length;
    }
    batch.names.push(file.name);
    if (batch.lines.length >= BATCH_EVENTS || batch.bytes >= BATCH_BYTES) await flush();
  }
  await flush();
  for (const { name, time_ms } of unfinished)
    if (now() - time_ms > UNFINISHED_MS)
      await rejectHook(options, name, "the hook was ended before it had written its input");
  return waiting.length;
}

function linesOf(converted: Converted | null): { id: string; line: string }[] {
  if (converted === null) return [];
  const { events, origin } = converted;
  return events.map((event) => ({ id: event.id, line: `${outboxLine(origin, event)}\n` }));
}

function emptyBatch() {
  return { lines: [], bytes: 0, names: [], first: null };
}

/** The events that hook files of the spool become, with nothing changed. Files that can become none are left out. */
export async function previewSpool(options: FillOptions): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  for (const file of (await listSpool(options.paths.spool)).waiting)
    events.push(...((await convertFile(file, options, () => undefined))?.events ?? []));
  return events;
}

/** Null for a file that is gone, or can become no event. */
async function convertFile(
  { name, time_ms }: Waiting,
  options: FillOptions,
  onUnreadable: (reason: string) => unknown,
): Promise<Converted | null> {
  const bytes = await readFile(join(options.paths.spool, name)).catch(nullIfMissing);
  if (bytes === null) return null;
  try {
    const converted = await convertHook(readHookFile(name, bytes, time_ms), options);
    if (converted.transcript !== null) options.onTranscript?.(converted.transcript);
    return converted;
  } catch (error) {
    if (!(error instanceof UnreadableHookError)) throw error;
    await onUnreadable(error.message);
    return null;
  }
}

async function rejectHook(
  { paths, now = Date.now }: FillOptions,
  name: string,
  reason: string,
): Promise<void> {
  const path = join(paths.spool, name);
  const bytes = await readFile(path).catch(nullIfMissing);
  if (bytes !== null) {
    const rejected_at = new Date(now()).toISOString();
    const input = bytes.toString("utf8");
    await keepRejected(paths.rejected, { name: name.replace(/^\./, ""), reason, rejected_at, input });
  }
  await removeFile(path);
}
