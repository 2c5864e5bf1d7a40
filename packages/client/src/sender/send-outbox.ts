import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { IngestResponse } from "@wharf/protocol";
import type { Events } from "../sdk/events.ts";
import { HubError, UNEXPECTED_RESPONSE } from "../sdk/hub-error.ts";
import type { ShareLevels } from "../share/share-level.ts";
import type { DataPaths } from "../spool/data-paths.ts";
import { nullIfMissing, removeFile, writeDurably } from "../spool/files.ts";
import { readOutboxLines } from "../spool/outbox-line.ts";
import { keepRejected } from "../spool/rejected.ts";
import { isFailed, isRefused } from "./backoff.ts";
import { type BatchWaits, createBatchWaits } from "./batch-waits.ts";

export type SendOptions = {
  paths: DataPaths;
  events: Pick<Events, "sendLines">;
  now?: () => number;
  /** What of a hook may be sent now; by default all. */
  shareOf?: ShareLevels["ofHook"];
  /** Of earlier calls; without them no batch waits. */
  waits?: BatchWaits;
};

export type Sent = {
  accepted: number;
  duplicates: number;
  rejected: number;
  /** Of batches that wait, because the hub failed for them; null: there is none. */
  problem: HubError | null;
};

/** In a row: the hub fails for all. */
const FAILURES_MAX = 3;

const BATCH = /^[0-9A-Z]{26}\..*\.ndjson$/;

/** Names of the batches that wait, oldest first. */
export async function listOutbox(outbox: string): Promise<string[]> {
  const names = (await readdir(outbox).catch(nullIfMissing)) ?? [];
  return names.filter((name) => BATCH.test(name)).sort();
}

/**
 * Sends the batches of the outbox, oldest first, and removes each when the hub has answered for all of its events. What it refuses is
 * kept apart with the reason. A batch for which it fails waits, later in halves, and the others are sent. Throws HubError when all must
 * wait.
 */
export async function sendOutbox(options: SendOptions): Promise<Sent> {
  const { paths, now = Date.now, waits = createBatchWaits({ now }) } = options;
  const sent: Sent = { accepted: 0, duplicates: 0, rejected: 0, problem: null };
  let failures = 0;
  for (const name of await listOutbox(paths.outbox)) {
    const waiting = waits.waiting(name);
    if (waiting !== null) {
      sent.problem = waiting;
      continue;
    }
    const path = join(paths.outbox, name);
    const content = await readFile(path, "utf8").catch(nullIfMissing);
    if (content === null) continue;
    const lines = content.split("\n").filter((line) => line !== "");
    try {
      await sendLines(await readOutboxLines(content, options.shareOf), options, sent);
    } catch (error) {
      if (!(error instanceof HubError) || !isFailed(error)) throw error;
      if (waits.failed(name, error) && lines.length > 1) await halve(name, lines, paths.outbox, waits);
      sent.problem = error;
      failures += 1;
      if (failures === FAILURES_MAX) throw error;
      continue;
    }
    failures = 0;
    waits.forget(name);
    await removeFile(path);
  }
  return sent;
}

/** Both halves are on disk before the whole is removed: a crash between sends events twice, which are stored once. */
async function halve(name: string, lines: readonly string[], outbox: string, waits: BatchWaits) {
  const half = Math.ceil(lines.length / 2);
  const halves = [1, 2].map((n) => name.replace(/\.ndjson$/, `-${n}.ndjson`));
  for (const [index, part] of halves.entries())
    await writeDurably(join(outbox, part), lines.slice(index * half, (index + 1) * half).join("\n"));
  await removeFile(join(outbox, name));
  waits.replace(name, halves);
}

/** A request that is refused as a whole is sent in halves, until one event remains: that one is at fault. */
async function sendLines(lines: readonly string[], options: SendOptions, sent: Sent): Promise<void> {
  if (lines.length === 0) return;
  let response: IngestResponse;
  try {
    response = await options.events.sendLines(new TextEncoder().encode(`${lines.join("\n")}\n`));
  } catch (error) {
    if (!(error instanceof HubError) || !isRefused(error)) throw error;
    if (lines.length === 1) return await reject(lines[0] ?? "", error.message, options, sent);
    const half = Math.ceil(lines.length / 2);
    await sendLines(lines.slice(0, half), options, sent);
    return await sendLines(lines.slice(half), options, sent);
  }
  if (response.results?.length !== lines.length) {
    const message = "The response does not have a result per event.";
    throw new HubError({ message, code: UNEXPECTED_RESPONSE, status: null });
  }
  const reasons = new Map(response.errors?.map(({ index, error }) => [index, error]));
  for (const { index, status } of response.results) {
    if (status === "accepted") sent.accepted += 1;
    else if (status === "duplicate") sent.duplicates += 1;
    else await reject(lines[index] ?? "", reasons.get(index) ?? "the hub rejected it", options, sent);
  }
}

async function reject(line: string, reason: string, { paths, now = Date.now }: SendOptions, sent: Sent) {
  const rejected_at = new Date(now()).toISOString();
  const event = parsed(line);
  const name = typeof event.id === "string" && /^\w+$/.test(event.id) ? event.id : `line-${sent.rejected}`;
  await keepRejected(paths.rejected, { name, reason, rejected_at, event });
  sent.rejected += 1;
}

function parsed(line: string): { id?: unknown } {
  try {
    return JSON.parse(line);
  } catch {
    return { id: null };
  }
}
