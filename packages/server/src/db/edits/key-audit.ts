import type { NamedKey } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";

export type KeyAuditRow = {
  id: string;
  action: string;
  key_id: string | null;
  key: NamedKey | null;
  actor: string;
  actor_key: NamedKey | null;
  request_id: string | null;
  created_at: string;
};

/** Newest first, from below `beforeId`. */
export async function listKeyAudit(sql: Sql, limit: number, beforeId: string | null): Promise<KeyAuditRow[]> {
  return await sql<KeyAuditRow[]>`
    SELECT a.id::text, a.action, a.key_id, to_jsonb(k) AS key, a.actor, to_jsonb(b) AS actor_key, a.request_id, a.created_at
    FROM (
      SELECT * FROM key_audit
      WHERE ${beforeId === null ? sql`true` : sql`id < ${beforeId}::bigint`} ORDER BY id DESC LIMIT ${limit}
    ) a
    LEFT JOIN LATERAL (SELECT name, scope, last4, device_id FROM api_keys WHERE id = a.key_id) k ON true
    LEFT JOIN LATERAL (
      SELECT name, scope, last4, device_id FROM api_keys WHERE id = substring(a.actor FROM '^key (.+)$')
    ) b ON true
    ORDER BY a.id DESC`;
}
