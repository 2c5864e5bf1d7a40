import type { DeviceRow, LiveEventRow } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { deviceColumns } from "./device-lists.ts";

/** The place of a row in the order of change_log: its transaction, then its number, both as text (they exceed 2^53). */
export type ChangePosition = { xid: string; position: string };

/** One row of change_log. */
export type Change = ChangePosition & {
  kind: string;
  at: string;
  event_ids: string[];
  session_ids: string[];
  workspace_ids: string[];
  /** Of jobs or devices. */
  ids: string[];
};

export type Changes = {
  /** False: the row at `after` was deleted, or never was in this database. */
  isKnown: boolean;
  /** Whether rows were committed that a running transaction may still precede. */
  isPending: boolean;
  changes: Change[];
};

type Row = Omit<Changes, "changes"> & (Change | { [column in keyof Change]: null });

/** Up to `limit` rows behind `after` that no row can precede any more. */
export async function readChanges(sql: Sql, after: ChangePosition, limit: number): Promise<Changes> {
  const place = sql`(${after.xid}::text::xid8, ${after.position}::text::bigint)`;
  const rows = await sql<Row[]>`
    SELECT state.*, c.xid::text AS xid, c.position::text AS position, c.kind, c.created_at AS at, c.event_ids, c.session_ids,
      c.workspace_ids, c.ids
    FROM (
      SELECT EXISTS (SELECT FROM change_log WHERE (xid, position) = ${place}) AS "isKnown",
        EXISTS (
          SELECT FROM change_log WHERE (xid, position) > ${place} AND xid >= pg_snapshot_xmin(pg_current_snapshot())
        ) AS "isPending"
    ) state
    LEFT JOIN LATERAL (
      SELECT * FROM change_log
      WHERE (xid, position) > ${place} AND xid < pg_snapshot_xmin(pg_current_snapshot())
      ORDER BY xid, position LIMIT ${limit}
    ) c ON true
    ORDER BY c.xid, c.position`;
  const [first] = rows;
  if (first === undefined) throw new Error("the state of the change log has no row");
  return { ...first, changes: rows.filter((row) => row.xid !== null) };
}

/** The last row that no row can precede any more; null: there is none. */
export async function findLastChange(sql: Sql): Promise<ChangePosition | null> {
  const [row] = await sql<ChangePosition[]>`
    SELECT xid::text, position::text FROM change_log l WHERE l.xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY l.xid DESC, l.position DESC LIMIT 1`;
  return row ?? null;
}

/** What a reader has to know of these events to choose among them. */
export async function findChangedEvents(sql: Sql, ids: readonly string[]): Promise<LiveEventRow[]> {
  return await sql<LiveEventRow[]>`
    SELECT id, type, timestamp, device_id, workspace_id, session_id FROM events WHERE id = ANY (${[...ids]}::text[])`;
}

/** These devices without their totals. */
export async function findDeviceRows(sql: Sql, ids: readonly string[]): Promise<DeviceRow[]> {
  return await sql<
    DeviceRow[]
  >`SELECT ${deviceColumns(sql)} FROM devices d WHERE id = ANY (${[...ids]}::text[])`;
}
