import { one } from "@wharf/job-runner";
import type { RemoteEnv, RemoteEnvListQuery, RemoteEnvPatch } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { type Listed, withinPageBytes } from "./page-bytes.ts";

type Filters = Omit<RemoteEnvListQuery, "limit" | "cursor">;
/** The last row of the page before: its provisioned_at with microseconds, and its id. */
type Position = readonly [provisionedAt: string, id: string] | null;

export type NewRemoteEnv = RemoteEnvPatch & {
  id: string;
  workspace_id: string;
  instance_type: string;
  region: string;
  blueprint: Record<string, unknown>;
};

/** All but `facts`, by which events are merged (remote-envs-from-events.ts). */
const columns = (sql: Sql) => sql`
  r.id, r.workspace_id, r.device_id, r.status, r.instance_id, r.instance_type, r.region, r.public_ip, r.ssh_key_s3_key, r.blueprint,
  r.ttl_minutes, r.idle_timeout_minutes, r.cost_per_hour_usd, r.total_cost_usd, r.provisioned_at, r.ready_at, r.terminated_at,
  r.termination_reason, r.metadata`;

/** Remote environments after `position`, the newest first. */
export async function listRemoteEnvs(
  sql: Sql,
  { workspace_id, device_id, status }: Filters,
  position: Position,
  limit: number,
): Promise<Listed<RemoteEnv>[]> {
  const found = sql`
    SELECT * FROM remote_envs
    WHERE true
      ${workspace_id === undefined ? sql`` : sql`AND workspace_id = ${workspace_id}`}
      ${device_id === undefined ? sql`` : sql`AND device_id = ${device_id}`}
      ${status === undefined ? sql`` : sql`AND status = ANY(${status})`}
      ${position === null ? sql`` : sql`AND (provisioned_at, id) < (${position[0]}, ${position[1]})`}
    ORDER BY provisioned_at DESC, id DESC LIMIT ${limit}`;
  const large = {
    text: ["termination_reason", "instance_type", "region", "public_ip", "ssh_key_s3_key"],
    json: ["blueprint", "metadata"],
  };
  return await sql<Listed<RemoteEnv>[]>`
    SELECT ${columns(sql)}, page_is_full
    FROM (${withinPageBytes(sql, found, sql`provisioned_at DESC, id DESC`, large)}) r
    ORDER BY provisioned_at DESC, id DESC`;
}

export async function findRemoteEnv(sql: Sql, id: string): Promise<RemoteEnv | null> {
  const [row] = await sql<RemoteEnv[]>`SELECT ${columns(sql)} FROM remote_envs r WHERE id = ${id}`;
  return row ?? null;
}

/** Throws SQLSTATE 23503 where the workspace or the device does not exist. */
export async function createRemoteEnv(sql: Sql, env: NewRemoteEnv): Promise<RemoteEnv> {
  const rows = await sql<RemoteEnv[]>`
    INSERT INTO remote_envs AS r (
      id, workspace_id, device_id, status, instance_id, instance_type, region, public_ip, ssh_key_s3_key, blueprint,
      ttl_minutes, idle_timeout_minutes, cost_per_hour_usd, total_cost_usd, ready_at, terminated_at, termination_reason, metadata
    )
    SELECT
      id, workspace_id, device_id, coalesce(status, 'provisioning'), instance_id, instance_type, region, public_ip,
      ssh_key_s3_key, blueprint, coalesce(ttl_minutes, 480), coalesce(idle_timeout_minutes, 60), cost_per_hour_usd,
      total_cost_usd, CASE WHEN status = 'ready' THEN now() END, CASE WHEN status = 'terminated' THEN now() END,
      termination_reason, coalesce(metadata, '{}')
    FROM jsonb_populate_record(NULL::remote_envs, (${JSON.stringify(env)}::text)::jsonb)
    RETURNING ${columns(sql)}`;
  const row = one(rows);
  return row;
}

/** Changes what the patch names; the first time that it becomes ready or terminated is kept. Null: there is no such environment. */
export async function patchRemoteEnv(sql: Sql, id: string, patch: RemoteEnvPatch): Promise<RemoteEnv | null> {
  const [row] = await sql<RemoteEnv[]>`
    UPDATE remote_envs r SET
      device_id = p.device_id, status = p.status, instance_id = p.instance_id, public_ip = p.public_ip,
      ssh_key_s3_key = p.ssh_key_s3_key, ttl_minutes = p.ttl_minutes, idle_timeout_minutes = p.idle_timeout_minutes,
      cost_per_hour_usd = p.cost_per_hour_usd, total_cost_usd = p.total_cost_usd,
      termination_reason = p.termination_reason, metadata = p.metadata,
      facts = CASE WHEN p.device_id IS DISTINCT FROM r.device_id THEN r.facts - 'owner' ELSE r.facts END,
      ready_at = CASE WHEN p.status = 'ready' THEN coalesce(r.ready_at, now()) ELSE r.ready_at END,
      terminated_at = CASE WHEN p.status = 'terminated' THEN coalesce(r.terminated_at, now()) ELSE r.terminated_at END
    FROM remote_envs old, jsonb_populate_record(old, (${JSON.stringify(patch)}::text)::jsonb) p
    WHERE r.id = ${id} AND old.id = r.id
    RETURNING ${columns(sql)}`;
  return row ?? null;
}
