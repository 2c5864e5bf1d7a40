import type { Sql } from "../postgres.ts";

export type KeyAuditRow = {
  id: string;
  action: string;
  key_id: string | null;
  actor: string;
  request_id: string | null;
  created_at: string;
};

/** Newest first, from below `beforeId`. */
export async function listKeyAudit(sql: Sql, limit: number, beforeId: string | null): Promise<KeyAuditRow[]> {
  return await sql<KeyAuditRow[]>`
    SELECT id::text, action, key_id, actor, request_id, created_at FROM key_audit
    WHERE ${beforeId === null ? sql`true` : sql`id < ${beforeId}::bigint`} ORDER BY key_audit.id DESC LIMIT ${limit}`;
}
