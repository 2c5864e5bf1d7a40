import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { IngestResponse } from "@wharf/protocol";
import type { Events } from "../sdk/events.ts";
import { HubError, UNEXPECTED_RESPONSE } from "../sdk/hub-error.ts";
import type { DataPaths } from "../spool/data-paths.ts";
import { nullIfMissing, removeFile } from "../spool/files.ts";
import { keepRejected } from "../spool/rejected.ts";
import { isRefused } from "./backoff.ts";

export type SendOptions = {
  paths: DataPaths;
  events: Pick<Events, "sendLines">;
  now?: () => number;
};

export type Sent = { accepted: number; duplicates: number; rejected: number };

const BATCH = /^[0-9A-Z]{26}\..*\.ndjson$/;

/** Names of the batches that wait, oldest first. */
export async function listOutbox(outbox: string): Promise<string[]> {
  const names = (await readdir(outbox).catch(nullIfMissing)) ?? [];
  return names.filter((name) => BATCH.test(name)).sort();
}

/**
 * Sends the batches of the outbox, oldest first, and removes each when the hub has answered for all of its events. What it refuses is
 * kept apart with the reason. Throws HubError when a request must be sent again later.
 */
export async function sendOutbox(options: SendOptions): Promise<Sent> {
  const sent: Sent = { accepted: 0, duplicates: 0, rejected: 0 };
  for (const name of await listOutbox(options.paths.outbox)) {
    const path = join(options.paths.outbox, name);
    const content = await readFile(path, "utf8").catch(nullIfMissing);
    if (content === null) continue;
    await sendLines(
      content.split("\n").filter((line) => line !== ""),
      options,
      sent,
    );
    await removeFile(path);
  }
  return sent;
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
