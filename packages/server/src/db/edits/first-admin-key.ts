import { createUlid } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { transaction } from "../transaction.ts";

/** Processes that start together on an empty database make one key, not one each. */
const FIRST_ADMIN_KEY_LOCK = 48756302;

/** Stores the key, unless an admin key lives already. Answers whether it was stored. */
export async function insertFirstAdminKey(
  sql: Sql,
  secret: { hash: string; last4: string },
): Promise<boolean> {
  return await transaction(sql, async ({ query }) => {
    await query`SELECT pg_advisory_xact_lock(${FIRST_ADMIN_KEY_LOCK})`;
    const made = await query`
      INSERT INTO api_keys (id, hash, last4, scope, name)
      SELECT ${createUlid()}, decode(${secret.hash}, 'base64'), ${secret.last4}, 'admin', 'made at the first start'
      WHERE NOT EXISTS (
        SELECT 1 FROM api_keys
        WHERE scope = 'admin' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
      )
      RETURNING id`;
    const id: unknown = made[0]?.["id"];
    if (typeof id !== "string") return false;
    await query`INSERT INTO key_audit (action, key_id, actor) VALUES ('bootstrapped', ${id}, 'first start')`;
    return true;
  });
}
