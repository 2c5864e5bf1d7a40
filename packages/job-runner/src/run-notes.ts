import type { Driver } from "./drivers/driver.ts";
import { type JobProgress, LOG_LINES_MAX, type LogLevel, type NewLogLine } from "./drivers/durable-store.ts";
import { JobOptionError } from "./errors.ts";
import type { JobRun } from "./job-run.ts";
import type { Persist } from "./persist.ts";
import { storableJson, storableText } from "./storable-json.ts";

/** Progress and log lines are written together, at most so often. */
const WRITE_EVERY_MS = 500;
const LOG_BATCH = 100;
const LOG_MESSAGE_MAX_LENGTH = 2000;
const LOG_FIELDS_MAX_BYTES = 4000;

export type LogFields = Readonly<Record<string, unknown>>;

/** What a run tells of itself. It waits for no write, and none of it can fail the run. */
export function createRunNotes(
  run: JobRun,
  services: { readonly driver: Driver; readonly persist: Persist },
) {
  const { driver, persist } = services;
  let latest: JobProgress | undefined;
  let lines: NewLogLine[] = [];
  let saidLines = 0;
  let writing: Promise<unknown> = Promise.resolve();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function progress(current: number, total?: number, message?: string) {
    if (!Number.isFinite(current) || !Number.isFinite(total ?? 0)) {
      throw new JobOptionError("Progress is told in finite numbers: current, and total if it is known.");
    }
    const text = message === undefined ? null : storableText(message, LOG_MESSAGE_MAX_LENGTH);
    latest = { current, total: total ?? null, message: text };
    timer ??= setTimeout(write, WRITE_EVERY_MS);
  }

  function log(level: LogLevel, message: string, fields?: LogFields) {
    saidLines += 1;
    if (saidLines > LOG_LINES_MAX) return;
    lines.push({
      level,
      message: storableText(message, LOG_MESSAGE_MAX_LENGTH),
      fields: fields === undefined ? null : bounded(fields),
      loggedAt: new Date().toISOString(),
    });
    if (lines.length >= LOG_BATCH) write();
    else timer ??= setTimeout(write, WRITE_EVERY_MS);
  }

  function write() {
    clearTimeout(timer);
    timer = undefined;
    const [told, batch] = [latest, lines];
    latest = undefined;
    lines = [];
    writing = writing.then(() => send(told, batch)).catch(() => undefined);
  }

  async function send(told: JobProgress | undefined, batch: readonly NewLogLine[]) {
    if (batch.length > 0) await persist(run, "appendLog", () => driver.appendLog(run.job, batch));
    if (told !== undefined) await persist(run, "setProgress", () => driver.setProgress(run.job, told));
  }

  /** Resolves when all that was told is written, or cannot be. */
  async function settle(): Promise<void> {
    write();
    await writing;
  }

  return { progress, log, settle };
}

export type RunNotes = ReturnType<typeof createRunNotes>;

function bounded(fields: LogFields): LogFields {
  const text = storableJson(fields);
  if (Buffer.byteLength(text) > LOG_FIELDS_MAX_BYTES)
    return { dropped: `more than ${LOG_FIELDS_MAX_BYTES} bytes` };
  return JSON.parse(text);
}
