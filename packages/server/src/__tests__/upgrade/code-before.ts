import type { SessionReport } from "@wharf/protocol";
import postgres, { type Sql } from "postgres";
import type { SentEvent } from "../../ingest/__tests__/event-factory.ts";
import { readStatements } from "./statements-before.ts";

const SEPARATOR = "\u001f";
/** A conflict, a parent that is being deleted, triggers that would not fire, an event that is known: the other way then, or again. */
const REPEATED = new Set(["40P01", "40001", "55P03", "55000", "23505"]);
const RELATIONS = /^(?:subagent|team|skill|worktree|remote)\./;

type Pending = { id: string; event_ids: string[] };
type Projected = Record<"session_ids" | "unmatched_git_ids" | "locked_event_ids", string[] | null>;

/**
 * A process that still runs the code before: sends the statements that it sent, in its order, each by itself. `end` leaves what is
 * not projected yet, as a kill does.
 */
export async function startCodeBefore(url: string) {
  const statements = await readStatements();
  const options = { max: 1, onnotice: () => undefined, fetch_types: true };
  const bySet = postgres(url, {
    ...options,
    connection: { session_replication_role: "replica", lock_timeout: 500 },
  });
  const byRow = postgres(url, options);
  const pending: Pending[] = [];

  async function run<Row>(sql: Sql, name: string, values: Record<string, unknown>): Promise<Row[]> {
    const { text, parameters } = statements.get(name) ?? { text: "", parameters: [] };
    const bound = parameters.map((parameter) => values[parameter] as never);
    return [...(await sql.unsafe<Row[] & object[]>(text, bound, { prepare: true }))];
  }

  async function repeated<T>(action: (attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await action(attempt);
      } catch (error) {
        if (!(error instanceof postgres.PostgresError) || !REPEATED.has(error.code) || attempt > 20)
          throw error;
      }
    }
  }

  async function workspacesOf(events: readonly SentEvent[]): Promise<Map<string, string>> {
    const ids = [...new Set(events.map((event) => event.workspace_id))].sort();
    await byRow`
      INSERT INTO workspaces (id, canonical_id, display_name)
      SELECT 'W' || substr(md5(canonical), 1, 25), canonical, canonical FROM unnest(${ids}::text[]) AS canonical
      ON CONFLICT DO NOTHING`;
    const rows = await byRow<{ id: string; canonical_id: string }[]>`
      SELECT id, canonical_id FROM workspaces WHERE canonical_id = ANY(${ids})`;
    return new Map(rows.map((row) => [row.canonical_id, row.id]));
  }

  /** Stores events; what they say is left to `round`. */
  async function flush(events: readonly SentEvent[]): Promise<void> {
    const sorted = events.toSorted((one, other) => (one.id < other.id ? -1 : 1));
    const values = columnsOf(sorted, await workspacesOf(sorted));
    const mayCheckBySet = !sorted.some(({ type }) => RELATIONS.test(type));
    const [row] = await repeated((attempt) =>
      mayCheckBySet && attempt === 1
        ? run<{ pending_id: string | null }>(bySet, "flush-by-set", values)
        : run<{ pending_id: string | null }>(byRow, "flush-by-row", values),
    );
    if (row?.pending_id != null) pending.push({ id: row.pending_id, event_ids: sorted.map(({ id }) => id) });
  }

  /** Stores events that a table refused, each noted for a retry. */
  async function flushAlone(events: readonly SentEvent[]): Promise<void> {
    const values = columnsOf(events, await workspacesOf(events));
    await repeated(() => run(byRow, "flush-alone", { ...values, reason: "refused for now" }));
  }

  /** Projects what flushes have left to do; what is locked is left for the next round. */
  async function round(): Promise<void> {
    const taken = pending.splice(0);
    const eventIds = taken.flatMap(({ event_ids }) => event_ids);
    const [found] = await repeated(() => run<Projected>(byRow, "round", { event_ids: eventIds }));
    await match(found?.unmatched_git_ids ?? [], found?.session_ids ?? []);
    const leftIds = found?.locked_event_ids ?? [];
    const ids = taken.map(({ id }) => id);
    const [left] = await run<{ id: string }>(byRow, "finish-pending", { ids, left_ids: leftIds });
    if (left !== undefined) pending.push({ id: left.id, event_ids: leftIds });
  }

  async function match(gitIds: string[], sessionIds: string[]): Promise<void> {
    const found = await run<{ id: string }>(byRow, "find-matchable", {
      git_ids: gitIds,
      session_ids: sessionIds,
    });
    await repeated(() => run(byRow, "match", { git_ids: found.map(({ id }) => id) }));
  }

  async function retry(limit: number): Promise<void> {
    for (const { event_id } of await run<{ event_id: string }>(byRow, "due-retries", { limit })) {
      const [found] = await repeated(() => run<Projected>(byRow, "retry", { event_ids: [event_id] }));
      if (found?.locked_event_ids != null) continue;
      await match(found?.unmatched_git_ids ?? [], found?.session_ids ?? []);
      await run(byRow, "finish-retry", { event_id });
    }
  }

  async function report(sent: SessionReport & { workspace_canonical_id: string }): Promise<void> {
    const [workspace] = (
      await workspacesOf([{ workspace_id: sent.workspace_canonical_id } as SentEvent])
    ).values();
    const row = {
      ...NO_REPORT,
      ...sent,
      workspace_id: workspace,
      workspace_reference: sent.workspace_canonical_id,
    };
    await repeated(() => run(byRow, "report", { report: JSON.stringify(row) }));
    await match([], [sent.id]);
  }

  const addTag = (id: string, tag: string) => run(byRow, "patch", { id, add_tags: [tag] });
  const endIdle = (ids: string[]) =>
    run(byRow, "end-idle", { idle_ms: -60_000, limit: ids.length, among: ids });

  async function end(): Promise<void> {
    await Promise.all([bySet.end({ timeout: 1 }), byRow.end({ timeout: 1 })]);
  }

  return { flush, flushAlone, round, retry, report, addTag, endIdle, end };
}

const NO_REPORT = {
  device_name: null,
  device_type: null,
  local_path: null,
  ended_at: null,
  end_reason: null,
  duration_ms: null,
  git_branch: null,
  model: null,
  source: null,
  initial_prompt: null,
  tags: [],
  metadata: {},
  fills_gaps: false,
};

/** One text a column, as the flush's statement takes them; everything is taken for unsettled. */
function columnsOf(events: readonly SentEvent[], workspaces: ReadonlyMap<string, string>) {
  const join = (value: (event: SentEvent) => string) => events.map(value).join(SEPARATOR);
  const ids = join(({ id }) => id);
  const devices = join(({ device_id }) => device_id);
  const sessions = join(({ session_id }) => session_id ?? "");
  return {
    ids,
    types: join(({ type }) => type),
    timestamps: join(({ timestamp }) => timestamp),
    device_ids: devices,
    workspace_ids: join(({ workspace_id }) => workspaces.get(workspace_id) ?? ""),
    session_ids: sessions,
    data: join(({ data }) => JSON.stringify(data)),
    blob_refs: join(() => "[]"),
    count: events.length,
    notes: "[]",
    unsettled_device_ids: devices,
    unsettled_session_ids: events.flatMap(({ session_id }) => session_id ?? []).join(SEPARATOR),
    unsettled_event_ids: ids,
  };
}
