import { UNASSOCIATED_WORKSPACE } from "@wharf/protocol";

/**
 * The kind of a statement's source. `event` is the earliest event of a session, of any type, and its earliest prompt; `transcript` what the
 * files of its own device show.
 */
export type StatementKind = "start" | "report" | "end" | "event" | "backfill" | "transcript";

/** Where a session runs. */
export type Place = { canonical_id: string; device_id: string; workspace_id: string };

/** What one source says of a session; null where it does not say. Times are microseconds since 1970. */
export type Statement = {
  /** Of its row in session_reports; null for an event, which is a row of its own. */
  report_id: number | null;
  kind: StatementKind;
  /** An event's timestamp, a report's start. */
  at_us: number;
  /** Empty for reports. */
  event_id: string;
  /** Null: what the version before knew without its device. */
  place: Place | null;
  ended_us: number | null;
  end_reason: string | null;
  duration_ms: number | null;
  git_branch: string | null;
  model: string | null;
  agent: string | null;
  source: string | null;
  initial_prompt: string | null;
  /** Each value as JSON text, so that numbers stay exact. */
  metadata: Readonly<Record<string, string>>;
};

/** A statement and the value that it is asked for. */
export type Said<T> = { statement: Statement; value: T };

export type Order = (one: Statement, other: Statement) => number;

/** Devices know a session's values best when it starts; backfills and transcripts only fill gaps. */
const RANKS: Record<StatementKind, number> = {
  start: 0,
  report: 0,
  end: 1,
  event: 2,
  backfill: 3,
  transcript: 4,
};

/** The order of precedence: by kind, then the earlier, then the smaller event id. */
export const byPrecedence: Order = (one, other) =>
  RANKS[one.kind] - RANKS[other.kind] ||
  one.at_us - other.at_us ||
  compareTexts(one.event_id, other.event_id);

/** The order of ends: the latest closes a session, a backfill's only where there is no other. */
export const byEnd: Order = (one, other) =>
  Number(one.kind === "backfill") - Number(other.kind === "backfill") ||
  (other.ended_us ?? 0) - (one.ended_us ?? 0) ||
  compareTexts(one.event_id, other.event_id);

/** The order of backfills: one that names no workspace comes last. */
export const byKnownWorkspace: Order = (one, other) =>
  Number(one.place?.canonical_id === UNASSOCIATED_WORKSPACE) -
    Number(other.place?.canonical_id === UNASSOCIATED_WORKSPACE) || byPrecedence(one, other);

export const byLatest: Order = (one, other) =>
  other.at_us - one.at_us || compareTexts(one.event_id, other.event_id);

/**
 * The first statement in `order` that has a value. Of statements that are equal in `order`, such as two reports of one start,
 * the one with the smaller value: the result depends on no order of arrival.
 */
export function first<T>(
  statements: readonly Statement[],
  order: Order,
  read: (statement: Statement) => T | null,
): Said<T> | null {
  let best: Said<T> | null = null;
  for (const statement of statements) {
    const value = read(statement);
    if (value === null) continue;
    const precedence = best === null ? -1 : order(statement, best.statement);
    const goesFirst = precedence < 0 || (precedence === 0 && best !== null && isSmaller(value, best.value));
    if (goesFirst) best = { statement, value };
  }
  return best;
}

function isSmaller(one: unknown, other: unknown): boolean {
  return compareTexts(JSON.stringify(one), JSON.stringify(other)) < 0;
}

function compareTexts(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
