import type { Sql } from "../postgres.ts";
import { deviceColumns } from "../reads/device-lists.ts";
import { transaction } from "../transaction.ts";
import type { Actor } from "./api-keys.ts";

/** The renamed device, or null. */
export async function renameDevice(
  sql: Sql,
  id: string,
  name: string,
): Promise<Record<string, unknown> | null> {
  const [row] = await sql`
    UPDATE devices d SET name = ${name}, name_said_at = NULL WHERE id = ${id} RETURNING ${deviceColumns(sql)}`;
  return row ?? null;
}

/**
 * Marks the device as terminated, revokes its keys and deletes its enrolment codes. Its row stays, since its events and sessions
 * name it; a device that sends again with another key is online again. Answers whether there is such a device.
 */
export async function removeDevice(sql: Sql, id: string, by: Actor): Promise<boolean> {
  return await transaction(sql, async ({ query }) => {
    // Codes first, as an enrolment takes them. Keys last, by a statement that sees those of an enrolment that it waited for.
    await query`DELETE FROM enrolment_codes WHERE device_id = ${id} AND used_at IS NULL`;
    const devices =
      await query`UPDATE devices SET status = 'terminated', terminated_at = now() WHERE id = ${id} RETURNING id`;
    await query`
      WITH revoked AS (
        UPDATE api_keys SET revoked_at = now() WHERE device_id = ${id} AND revoked_at IS NULL RETURNING id
      )
      INSERT INTO key_audit (action, key_id, actor, request_id)
      SELECT 'revoked', id, ${by.actor}::text, ${by.request_id}::text FROM revoked`;
    return devices.length > 0;
  });
}
