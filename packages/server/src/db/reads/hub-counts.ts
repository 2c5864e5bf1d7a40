import type { Sql } from "../postgres.ts";

/** Counting stops here: the first page never reads a large table. */
export const COUNT_MAX = 10_000;

export type HubCounts = {
  devices: number;
  workspaces: number;
  sessions: number;
  events: number;
  transcript_files: number;
  messages: number;
};

/** How many of each the database holds, at most COUNT_MAX + 1 each. */
export async function countHub(sql: Sql): Promise<HubCounts> {
  const rows_max = COUNT_MAX + 1;
  const [row] = await sql<[HubCounts]>`
    SELECT
      (SELECT count(*) FROM (SELECT FROM devices LIMIT ${rows_max}) AS d)::integer AS devices,
      (SELECT count(*) FROM (SELECT FROM workspaces LIMIT ${rows_max}) AS w)::integer AS workspaces,
      (SELECT count(*) FROM (SELECT FROM sessions WHERE deleted_at IS NULL LIMIT ${rows_max}) AS s)::integer AS sessions,
      (SELECT count(*) FROM (SELECT FROM events LIMIT ${rows_max}) AS e)::integer AS events,
      (SELECT count(*) FROM (SELECT FROM transcript_files LIMIT ${rows_max}) AS f)::integer AS transcript_files,
      (SELECT count(*) FROM (SELECT FROM transcript_messages LIMIT ${rows_max}) AS m)::integer AS messages`;
  return row;
}
