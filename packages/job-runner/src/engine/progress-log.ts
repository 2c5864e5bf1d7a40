import type { Driver } from "../contract/driver.ts";
import {
  type JobProgress,
  LOG_LINES_MAX,
  type LogLevel,
  type NewLogLine,
} from "../contract/durable-store.ts";
import { storableText } from "../contract/storable-json.ts";
import type { JobRun } from "./job-run.ts";
import { type LogFields, logFields, logText } from "./log-text.ts";
import type { WriteUnderLease } from "./write-under-lease.ts";

/** The minimum time between writes of progress and log lines. */
const WRITE_EVERY_MS = 500;
const LOG_BATCH = 100;
const LOG_MESSAGE_MAX_LENGTH = 2000;

export type ProgressLog = {
  progress(current: number, total?: number, message?: string): void;
  log(level: LogLevel, message: string, fields?: LogFields): void;
  settle(): Promise<void>;
};

/** Progress and log of a run. The run does not wait for their writes, and none of them can fail it. */
export function createProgressLog(
  run: JobRun,
  services: { readonly driver: Driver; readonly writeUnderLease: WriteUnderLease },
): ProgressLog {
  const { driver, writeUnderLease } = services;
  let latest: JobProgress | undefined;
  let lines: NewLogLine[] = [];
  let saidLines = 0;
  let writing: Promise<unknown> = Promise.resolve();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function progress(current: number, total?: number, message?: string) {
    const odd = [logOdd("current", current), logOdd("total", total)].filter((note) => note !== undefined);
    const said = message === undefined ? [] : [logText(message)];
    const text = [...said, ...odd].join("; ");
    latest = {
      current: isFigure(current) ? current : 0,
      total: isFigure(total) ? total : null,
      message: text === "" ? null : storableText(text, LOG_MESSAGE_MAX_LENGTH),
    };
    timer ??= setTimeout(write, WRITE_EVERY_MS);
  }

  function log(level: LogLevel, message: string, fields?: LogFields) {
    saidLines += 1;
    if (saidLines > LOG_LINES_MAX) return;
    lines.push({
      level,
      message: storableText(logText(message), LOG_MESSAGE_MAX_LENGTH),
      fields: fields === undefined ? null : logFields(fields),
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
    if (batch.length > 0) await writeUnderLease(run, "appendLog", () => driver.appendLog(run.job, batch));
    if (told !== undefined)
      await writeUnderLease(run, "setProgress", () => driver.setProgress(run.job, told));
  }

  /** Resolves when all lines are written, or cannot be. */
  async function settle(): Promise<void> {
    write();
    await writing;
  }

  return { progress, log, settle };
}

function isFigure(value: number | undefined): value is number {
  return Number.isFinite(value);
}

/** Invalid numbers are stored as text. */
function logOdd(what: string, value: number | undefined): string | undefined {
  return value === undefined || isFigure(value) ? undefined : `${what} was ${logText(value)}`;
}
