import { type Lifecycle, UNASSOCIATED_WORKSPACE } from "@wharf/protocol";
import {
  byEnd,
  byKnownWorkspace,
  byLatest,
  byPrecedence,
  first,
  type Order,
  type Said,
  type Statement,
} from "./session-statement.ts";

/** What is known of a session. A further source is a further field, which foldSession reads. */
export type KnownSession = {
  /** The owner's device (session-owner.ts). */
  owner: string;
  /** The current one: later states are set by the jobs that parse and summarize, and stay until a resume. */
  lifecycle: Lifecycle;
  statements: readonly Statement[];
};

/** The columns of a session that follow from what is known of it. Times are microseconds since 1970. */
export type SessionColumns = {
  workspace_id: string;
  device_id: string;
  lifecycle: Lifecycle;
  started_us: number;
  /** Null: the session is a stub, of which only events are known. */
  start_reported_us: number | null;
  resumed_us: number | null;
  ended_us: number | null;
  end_reason: string | null;
  duration_ms: number | null;
  git_branch: string | null;
  model: string | null;
  /** Null: only transcripts name it. */
  agent: string | null;
  source: string | null;
  initial_prompt: string | null;
  /** Nothing but its transcripts is known of it. */
  has_only_files: boolean;
  /** Each value as JSON text. */
  metadata: Record<string, string>;
};

export type FoldedSession = {
  columns: SessionColumns;
  /** The owner's statements that decide a column now or may do so later; the others may be forgotten. */
  standing: ReadonlySet<Statement>;
};

/** The first value in the order of precedence, or in another order. */
type Picker = <T>(value: (statement: Statement) => T | null, order?: Order) => Said<T> | null;

const US_PER_MS = 1_000;

/**
 * A session's columns as a function of its statements, in any order. Null: no statement names the place where
 * the session runs.
 * - Only the owner's statements count, however many another device adds.
 * - The earliest start or report gives workspace, device and start; a backfill fills gaps; without either the session is a stub
 *   that follows its earliest event. The start of a stub is that of its transcript where that is earlier.
 * - The latest end closes it, unless a later resume is known.
 */
export function foldSession({ owner, lifecycle, statements: all }: KnownSession): FoldedSession | null {
  const statements = all.filter(({ place }) => place === null || place.device_id === owner);
  const standing = new Set<Statement>();
  const pick: Picker = (value, order = byPrecedence) => {
    const said = first(statements, order, value);
    if (said !== null) standing.add(said.statement);
    return said;
  };
  const begin = beginOf(pick);
  if (begin === null) return null;
  const columns = {
    ...begin,
    ...endOf(pick, begin),
    git_branch: pick((said) => said.git_branch)?.value ?? null,
    model: pick((said) => said.model)?.value ?? null,
    agent: pick((said) => said.agent)?.value ?? null,
    source: pick((said) => said.source)?.value ?? null,
    initial_prompt: promptOf(pick),
    has_only_files: pick(({ kind }) => (kind === "transcript" ? null : kind)) === null,
    metadata: metadataOf(pick, statements),
  };
  return { columns: { ...columns, lifecycle: nextLifecycle(lifecycle, columns) }, standing };
}

type Begin = Pick<SessionColumns, "workspace_id" | "device_id" | "started_us" | "start_reported_us">;

function beginOf(pick: Picker): Begin | null {
  const reported = pick((said) => (said.kind === "start" || said.kind === "report" ? said.place : null));
  const seen = pick((said) => (said.kind === "event" ? said.place : null));
  const found = pick((said) => (said.kind === "backfill" ? said.place : null), byKnownWorkspace);
  const shown = pick((said) => (said.kind === "transcript" ? said.place : null));
  const start = reported ?? found;
  const begin = start ?? earlier(seen, shown);
  const origin = reported ?? seen ?? found ?? shown;
  if (begin === null || origin === null) return null;
  const isPlaced = origin.value.canonical_id !== UNASSOCIATED_WORKSPACE || found === null;
  return {
    workspace_id: (isPlaced ? origin : found).value.workspace_id,
    device_id: origin.value.device_id,
    started_us: begin.statement.at_us,
    start_reported_us: start === null ? null : begin.statement.at_us,
  };
}

function earlier<T>(one: Said<T> | null, other: Said<T> | null): Said<T> | null {
  if (one === null || other === null) return one ?? other;
  return other.statement.at_us < one.statement.at_us ? other : one;
}

type End = Pick<SessionColumns, "resumed_us" | "ended_us" | "end_reason" | "duration_ms">;

function endOf(pick: Picker, begin: Begin): End {
  const resume = pick(
    (said) => (said.kind === "start" && said.source === "resume" ? said.at_us : null),
    byLatest,
  );
  // Of two ends at one instant the one that names neither reason nor duration goes first.
  const last = pick(
    ({ ended_us, end_reason, duration_ms }) =>
      ended_us === null ? null : { end_reason: end_reason ?? "", duration_ms: duration_ms ?? -1, ended_us },
    byEnd,
  );
  const resumed_us = resume?.value ?? null;
  if (last === null || (resumed_us !== null && resumed_us > last.value.ended_us))
    return { resumed_us, ended_us: null, end_reason: null, duration_ms: null };
  const { ended_us, end_reason, duration_ms } = last.statement;
  return {
    resumed_us,
    ended_us,
    end_reason,
    duration_ms: durationOf(duration_ms, last.value.ended_us, begin),
  };
}

/** Agents' hooks that do not know a duration send 0: where the start was reported, it is computed. */
function durationOf(reportedMs: number | null, ended_us: number, begin: Begin): number {
  const isUnknown = reportedMs === null || (reportedMs === 0 && begin.start_reported_us !== null);
  return isUnknown ? Math.max(0, Math.round((ended_us - begin.started_us) / US_PER_MS)) : reportedMs;
}

/** A hook's event may hold the beginning of the prompt only: it stands until a transcript, or another source, has it. */
function promptOf(pick: Picker): string | null {
  const heard = pick((said) => (said.kind === "event" ? said.initial_prompt : null));
  const told = pick((said) => (said.kind === "event" ? null : said.initial_prompt));
  return (told ?? heard)?.value ?? null;
}

/** The transcript that an event named last is the current one; every other key has the order of all values. */
function metadataOf(pick: Picker, statements: readonly Statement[]): Record<string, string> {
  const keys = new Set(statements.flatMap((said) => Object.keys(said.metadata)));
  const values = [...keys].toSorted().flatMap((key) => {
    const value = (said: Statement) =>
      Object.hasOwn(said.metadata, key) ? (said.metadata[key] ?? null) : null;
    const latest =
      key === "transcript_path"
        ? pick((said) => (said.kind === "start" || said.kind === "end" ? value(said) : null), byLatest)
        : null;
    const said = latest ?? pick(value);
    return said === null ? [] : [[key, said.value]];
  });
  return Object.fromEntries(values);
}

/** A failed session stays failed; one that is parsed or later stays so until it is open again. */
function nextLifecycle(
  current: Lifecycle,
  { ended_us, start_reported_us }: Pick<SessionColumns, "ended_us" | "start_reported_us">,
): Lifecycle {
  if (current === "failed") return current;
  const isOpen = current === "detected" || current === "capturing";
  if (ended_us !== null) return isOpen ? "ended" : current;
  if (current === "capturing") return current;
  return start_reported_us === null ? "detected" : "capturing";
}
