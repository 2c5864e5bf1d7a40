import { storableJson } from "@wharf/job-runner";
import {
  AGENTS,
  type BackfillSession,
  canonicalWorkspaceId,
  isUlid,
  OTHER,
  type SessionReport,
  UNASSOCIATED_WORKSPACE,
} from "@wharf/protocol";
import type { Database } from "../db/database.ts";
import { describeDatabaseError, isForeignKeyViolation, isUnstorableValue } from "../db/database-errors.ts";
import { type ReportResult, reportSession, type SessionRow } from "../db/edits/session-reports.ts";
import { ValidationError } from "../errors.ts";
import { isRecord, withoutControlCharacters } from "../json/clean-value.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import { refreshAndMatch } from "./refresh-sessions.ts";
import { withoutRemoteCredentials } from "./remote-fields.ts";
import { retryConflicts } from "./retry-conflicts.ts";
import type { WorkspaceResolver } from "./workspace-resolver.ts";

export type ReportDependencies = { database: Database; workspaces: WorkspaceResolver; redaction: Redaction };

/** A device reports a session: stored if it is new, else merged. Throws ValidationError for a workspace id that names none. */
export async function takeSessionReport(
  report: SessionReport,
  dependencies: ReportDependencies,
): Promise<ReportResult> {
  const reference = report.workspace_id ?? report.workspace_canonical_id ?? UNASSOCIATED_WORKSPACE;
  return await take(dependencies, reference, { ...sessionOf(report), fills_gaps: false });
}

function sessionOf(report: SessionReport): Omit<UnplacedSession, "fills_gaps"> {
  return {
    id: withoutControlCharacters(report.id),
    device_id: withoutControlCharacters(report.device_id),
    device_name: report.device_name ?? null,
    device_type: report.device_type ?? null,
    local_path: report.cwd ?? null,
    started_at: report.started_at,
    ended_at: report.ended_at ?? null,
    end_reason: report.end_reason === "prompt_input_exit" ? "exit" : (report.end_reason ?? null),
    duration_ms: report.duration_ms ?? null,
    git_branch: report.git_branch ?? null,
    model: report.model ?? null,
    agent: report.agent == null ? null : (AGENTS.find((name) => name === report.agent) ?? OTHER),
    source: report.source ?? null,
    initial_prompt: report.initial_prompt ?? null,
    tags: report.tags ?? [],
    metadata: { ...metadataOf(report), ...(report.cwd == null ? {} : { cwd: report.cwd }) },
  };
}

function metadataOf({ metadata = {} }: Pick<SessionReport, "metadata">): Record<string, unknown> {
  const cleaned = withoutRemoteCredentials(metadata);
  return isRecord(cleaned) ? cleaned : {};
}

/**
 * A session found in a device's transcripts: it fills gaps, and what is known from events and reports stays. One that is not live and
 * names no end stays open until it is silent for long.
 */
export async function takeBackfill(
  backfill: BackfillSession,
  dependencies: ReportDependencies,
): Promise<ReportResult> {
  const isLive = backfill.is_live === true;
  const session = sessionOf({
    id: backfill.session_id,
    device_id: backfill.device_id,
    device_name: backfill.device_name,
    device_type: backfill.device_type,
    started_at: backfill.started_at,
    cwd: backfill.cwd,
    git_branch: backfill.git_branch,
    agent: backfill.agent,
    ended_at: isLive ? null : backfill.ended_at,
    duration_ms: isLive ? null : backfill.duration_ms,
    source: backfill.source ?? "backfill",
  });
  return await take(dependencies, backfill.workspace_canonical_id, { ...session, fills_gaps: true });
}

type UnplacedSession = Omit<SessionRow, "workspace_id">;

async function take(
  dependencies: ReportDependencies,
  reference: string,
  session: UnplacedSession,
): Promise<ReportResult> {
  const key = isUlid(reference) ? reference : (canonicalWorkspaceId(reference) ?? UNASSOCIATED_WORKSPACE);
  const result = await storeReport(dependencies, key, session).catch((error) => {
    if (!isForeignKeyViolation(error)) throw error;
    // The workspace was deleted behind the cache, or the session was deleted meanwhile.
    dependencies.workspaces.forget();
    return storeReport(dependencies, key, session);
  });
  if (!result.deleted && result.exceeds === null) {
    await refreshAndMatch(dependencies.database, [session.id]);
  }
  return result;
}

/** What the schema lets pass and the database refuses is the report's fault, and would fail each time that it is sent. */
function refuseUnstorable(error: unknown): never {
  if (!isUnstorableValue(error)) throw error;
  throw new ValidationError(
    `The report contains a value that cannot be stored: ${describeDatabaseError(error)}.`,
    "VALUE_UNSTORABLE",
  );
}

async function storeReport(
  dependencies: ReportDependencies,
  key: string,
  session: UnplacedSession,
): Promise<ReportResult> {
  const ids = await dependencies.workspaces.resolve([key]);
  const workspace_id = ids.get(key);
  if (workspace_id === undefined) {
    throw new ValidationError(
      "workspace_id does not match a workspace: send its canonical id, like github.com/user/repo.",
      "WORKSPACE_UNKNOWN",
    );
  }
  const json = await redactedRow(dependencies.redaction, { ...session, workspace_id });
  return await retryConflicts(() => dependencies.database.run((sql) => reportSession(sql, json))).catch(
    refuseUnstorable,
  );
}

/** The row as JSON with markers in place of secrets, but for its ids. */
async function redactedRow({ texts, switches }: Redaction, row: SessionRow): Promise<string> {
  const [redact] = await Promise.all([texts.open(), switches.refresh()]);
  const { id, device_id, workspace_id, ...values } = row;
  if (!switches.isRedacted(workspace_id)) return storableJson(row);
  const json = storableJson(values);
  const redacted = (await redact(json))?.text ?? json;
  // Joined as text: numbers that no double holds stay as they are.
  return `${storableJson({ id, device_id, workspace_id }).slice(0, -1)},${redacted.slice(1)}`;
}
