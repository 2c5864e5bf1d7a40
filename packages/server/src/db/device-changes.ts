import type { Actor } from "./api-keys.ts";
import type { Sql } from "./postgres.ts";

/** The renamed device, or null. */
export async function renameDevice(
  sql: Sql,
  id: string,
  name: string,
): Promise<Record<string, unknown> | null> {
  const [row] = await sql`UPDATE devices SET name = ${name} WHERE id = ${id} RETURNING *`;
  return row ?? null;
}

/**
 * Marks the device as terminated and revokes its keys. Its row stays, since its events and sessions name it; a device that
 * sends again with another key is online again. Answers whether there is such a device.
 */
export async function removeDevice(sql: Sql, id: string, by: Actor): Promise<boolean> {
  const [row] = await sql<{ known: boolean }[]>`
    WITH device AS (
      UPDATE devices SET status = 'terminated' WHERE id = ${id} RETURNING id
    ),
    revoked AS (
      UPDATE api_keys SET revoked_at = now() WHERE device_id = ${id} AND revoked_at IS NULL RETURNING id
    ),
    audit AS (
      INSERT INTO key_audit (action, key_id, actor, request_id)
      SELECT 'revoked', id, ${by.actor}, ${by.request_id} FROM revoked
    )
    SELECT EXISTS (SELECT 1 FROM device) AS known`;
  return row?.known ?? false;
}
