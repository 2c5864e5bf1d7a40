import type { Database } from "bun:sqlite";
import type { Lease } from "../../contract/driver.ts";
import {
  type JobProgress,
  LOG_LINES_MAX,
  type LogLine,
  type NewLogLine,
} from "../../contract/durable-store.ts";
import { instantMicros } from "../../contract/instant.ts";
import { type Bindings, jsonText } from "./bindings.ts";
import { isoText } from "./times.ts";

type LogRow = {
  readonly line: number;
  readonly level: NewLogLine["level"];
  readonly message: string;
  readonly fields: string | null;
  readonly logged_at: string;
};

export type ProgressLog = {
  setProgress({ jobId }: Lease, progress: JobProgress, now: bigint): void;
  appendLog({ jobId }: Lease, lines: readonly NewLogLine[]): void;
  logOf(
    jobId: string,
    page: {
      limit: number;
      after?: number;
    },
  ): LogLine[];
};

/** Progress and log of jobs. The caller checks the lease in the same transaction. */
export function createProgressLog(db: Database): ProgressLog {
  const setProgressOf = db.prepare<unknown, Bindings>(
    "UPDATE jobs SET progress = $progress, updated_at = $now WHERE id = $jobId",
  );
  const lastLine = db.prepare<{ line: number }, Bindings>(
    "SELECT coalesce(max(line), 0) AS line FROM job_logs WHERE job_id = $jobId",
  );
  const insert = db.prepare<unknown, Bindings>(`
    INSERT INTO job_logs (job_id, line, logged_at, level, message, fields)
    VALUES ($jobId, $line, $loggedAt, $level, $message, $fields)`);
  const select = db.prepare<LogRow, Bindings>(`
    SELECT line, level, message, fields, ${isoText("logged_at")} FROM job_logs
    WHERE job_id = $jobId AND line > $after ORDER BY line LIMIT $limit`);

  function setProgress({ jobId }: Lease, progress: JobProgress, now: bigint): void {
    setProgressOf.run({ jobId, progress: jsonText(progress), now });
  }

  function appendLog({ jobId }: Lease, lines: readonly NewLogLine[]): void {
    let line = lastLine.get({ jobId })?.line ?? 0;
    for (const { level, message, fields, loggedAt } of lines.slice(0, LOG_LINES_MAX - line)) {
      line += 1;
      const at = instantMicros(loggedAt);
      insert.run({ jobId, line, loggedAt: at, level, message, fields: fields && jsonText(fields) });
    }
  }

  function logOf(jobId: string, page: { limit: number; after?: number }): LogLine[] {
    return select.all({ jobId, limit: page.limit, after: page.after ?? 0 }).map(toLogLine);
  }

  return { setProgress, appendLog, logOf };
}

function toLogLine({ logged_at, fields, ...row }: LogRow): LogLine {
  return { ...row, fields: fields === null ? null : JSON.parse(fields), loggedAt: logged_at };
}
