import { createUlid, UNKNOWN_DEVICE_NAME } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { deviceColumns } from "../reads/device-lists.ts";
import type { Actor } from "./api-keys.ts";

/** Codes that are no longer of use are kept this long, for those who ask what became of one. */
const CODE_KEPT_DAYS = 7;

/** Stores a code's hash (base64) and answers when it expires. `deviceId`: the device that joins again; null: a new one. */
export async function insertEnrolmentCode(
  sql: Sql,
  code: { hash: string; deviceId: string | null; mayRead: boolean; life_s: number },
  by: Actor,
): Promise<string> {
  const [row] = await sql<{ expires_at: string }[]>`
    WITH outdated AS (
      DELETE FROM enrolment_codes WHERE expires_at < now() - make_interval(days => ${CODE_KEPT_DAYS})
    ),
    audit AS (
      INSERT INTO key_audit (action, actor, request_id) VALUES ('code_created', ${by.actor}, ${by.request_id})
    )
    INSERT INTO enrolment_codes (id, hash, device_id, may_read, expires_at)
    VALUES (${createUlid()}, decode(${code.hash}, 'base64'), ${code.deviceId}, ${code.mayRead}, now() + make_interval(secs => ${code.life_s}))
    RETURNING expires_at`;
  if (row === undefined) throw new Error("the code was not stored");
  return row.expires_at;
}

/** Of these hashes (base64) those of codes that can be used. */
export async function findLiveCodes(sql: Sql, hashes: readonly string[]): Promise<Map<string, true>> {
  const rows = await sql<{ hash: string }[]>`
    SELECT wanted.hash
    FROM unnest(${[...hashes]}::text[]) AS wanted (hash) JOIN enrolment_codes c ON c.hash = decode(wanted.hash, 'base64')
    WHERE c.used_at IS NULL AND c.expires_at > now()`;
  return new Map(rows.map(({ hash }) => [hash, true]));
}

type KeyToStore = { hash: string; last4: string };

export type Joining = {
  codeHash: string;
  ingestKey: KeyToStore;
  /** Stored if the code allows it. */
  readKey: KeyToStore;
  name: string | null;
  type: "local" | "remote" | null;
  hostname: string | null;
  os: string | null;
  arch: string | null;
};

export type Enrolled = { device: Record<string, unknown>; may_read: boolean };

/** Uses up the code, adds its device and the device's keys, in one statement. Null for a code that is unknown, used or expired. */
export async function enrolDevice(sql: Sql, joining: Joining, requestId: string): Promise<Enrolled | null> {
  const { codeHash, ingestKey, readKey } = joining;
  const [row] = await sql<(Record<string, unknown> & { may_read: boolean })[]>`
    WITH code AS (
      UPDATE enrolment_codes SET used_at = now(), device_id = coalesce(device_id, ${createUlid()})
      WHERE hash = decode(${codeHash}, 'base64') AND used_at IS NULL AND expires_at > now()
      RETURNING id, device_id, may_read
    ),
    device AS (
      INSERT INTO devices AS d (id, name, type, hostname, os, arch)
      SELECT device_id, coalesce(${joining.name}, ${joining.hostname}, ${UNKNOWN_DEVICE_NAME}), coalesce(${joining.type}, 'local'),
        ${joining.hostname}, ${joining.os}, ${joining.arch}
      FROM code
      ON CONFLICT (id) DO UPDATE SET
        name = coalesce(${joining.name}, d.name),
        name_said_at = CASE WHEN ${joining.name}::text IS NULL THEN d.name_said_at END,
        type = coalesce(${joining.type}, d.type),
        hostname = coalesce(excluded.hostname, d.hostname), os = coalesce(excluded.os, d.os),
        arch = coalesce(excluded.arch, d.arch), status = 'online', last_seen_at = now()
      RETURNING ${deviceColumns(sql)}
    ),
    made AS (
      INSERT INTO api_keys (id, hash, last4, scope, name, device_id)
      SELECT ${createUlid()}, decode(${ingestKey.hash}, 'base64'), ${ingestKey.last4}, 'ingest', name, id FROM device
      UNION ALL
      SELECT ${createUlid()}, decode(${readKey.hash}, 'base64'), ${readKey.last4}, 'read', device.name, device.id
      FROM device, code WHERE code.may_read
      RETURNING id
    ),
    audit AS (
      INSERT INTO key_audit (action, key_id, actor, request_id)
      SELECT 'enrolled', made.id, 'code ' || code.id, ${requestId} FROM made, code
    )
    SELECT device.*, code.may_read FROM device, code`;
  if (row === undefined) return null;
  const { may_read, ...device } = row;
  return { device, may_read };
}
