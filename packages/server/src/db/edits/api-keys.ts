import { createUlid, type KeyScope } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";

/** A key as it is listed. */
export type ApiKeyRow = {
  id: string;
  scope: KeyScope;
  name: string | null;
  device_id: string | null;
  last4: string;
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  rotated_from: string | null;
};

/** What a request needs to know of its key. */
export type LiveKey = {
  id: string;
  scope: KeyScope;
  device_id: string | null;
  /** Milliseconds since 1970. */
  expires_at_ms: number | null;
  use_is_noted: boolean;
};

export type NewKey = {
  hash: string;
  last4: string;
  scope: KeyScope;
  name: string | null;
  device_id: string | null;
  expires_at: string | null;
};

/** Who did it, and in which request. */
export type Actor = { actor: string; request_id: string | null };

/** `last_used_at` is written at most this often. */
const LAST_USED_INTERVAL_S = 60;

/** Of keys with these hashes (base64 of their SHA-256) those that are neither revoked nor expired, by hash. */
export async function findLiveKeys(sql: Sql, hashes: readonly string[]): Promise<Map<string, LiveKey>> {
  const rows = await sql<(LiveKey & { hash: string })[]>`
    SELECT wanted.hash, k.id, k.scope, k.device_id, extract(epoch FROM k.expires_at)::float8 * 1000 AS expires_at_ms,
      coalesce(k.last_used_at > now() - make_interval(secs => ${LAST_USED_INTERVAL_S}), false) AS use_is_noted
    FROM unnest(${[...hashes]}::text[]) AS wanted (hash) JOIN api_keys k ON k.hash = decode(wanted.hash, 'base64')
    WHERE ${isLive(sql)}`;
  return new Map(rows.map(({ hash, ...key }) => [hash, key]));
}

/** Notes the use of these keys. A key that is being changed is left out: nothing waits for its lock. */
export async function noteKeyUses(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql`
    UPDATE api_keys SET last_used_at = now() WHERE id IN (
      SELECT id FROM api_keys
      WHERE id = ANY(${[...ids]})
        AND (last_used_at IS NULL OR last_used_at <= now() - make_interval(secs => ${LAST_USED_INTERVAL_S}))
      ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)`;
}

/** Newest first, from below `beforeId`. */
export async function listKeys(sql: Sql, limit: number, beforeId: string | null): Promise<ApiKeyRow[]> {
  return await sql<ApiKeyRow[]>`
    SELECT ${columns(sql)} FROM api_keys
    WHERE ${beforeId === null ? sql`true` : sql`id < ${beforeId}`} ORDER BY id DESC LIMIT ${limit}`;
}

export async function insertKey(sql: Sql, key: NewKey, by: Actor): Promise<ApiKeyRow> {
  const [row] = await sql<ApiKeyRow[]>`
    WITH made AS (
      INSERT INTO api_keys (id, hash, last4, scope, name, device_id, expires_at)
      VALUES (${createUlid()}, decode(${key.hash}, 'base64'), ${key.last4}, ${key.scope}, ${key.name}, ${key.device_id},
              ${key.expires_at}::timestamptz)
      RETURNING *
    ),
    audit AS (
      INSERT INTO key_audit (action, key_id, actor, request_id)
      SELECT 'created', id, ${by.actor}, ${by.request_id} FROM made
    )
    SELECT ${columns(sql)} FROM made`;
  if (row === undefined) throw new Error("the key was not stored");
  return row;
}

export type Successor = { hash: string; last4: string; grace_s: number; expires_at: string | null };

/**
 * Makes a successor with the same scope, name, device and life; the old key expires after the grace. A successor that has expired
 * is revoked and replaced. Null when the key is unknown, dead, or has a successor that lives; a rotation at the same time ends
 * in a unique violation (23505).
 */
export async function rotateKey(sql: Sql, id: string, next: Successor, by: Actor): Promise<ApiKeyRow | null> {
  const [row] = await sql<ApiKeyRow[]>`
    WITH rotated AS (
      SELECT *, coalesce(issued_expires_at, expires_at, 'infinity') AS made_to_expire_at FROM api_keys
      WHERE id = ${id} AND ${isLive(sql)}
        AND NOT EXISTS (SELECT 1 FROM api_keys later WHERE later.rotated_from = ${id} AND ${isLive(sql)})
      FOR UPDATE
    ),
    outgoing AS (
      UPDATE api_keys k SET
        expires_at = least(k.expires_at, now() + make_interval(secs => ${next.grace_s})),
        issued_expires_at = rotated.made_to_expire_at
      FROM rotated WHERE k.id = rotated.id
    ),
    expired AS (
      UPDATE api_keys k SET revoked_at = now() FROM rotated
      WHERE k.rotated_from = rotated.id AND k.revoked_at IS NULL RETURNING k.id
    ),
    made AS (
      INSERT INTO api_keys (id, hash, last4, scope, name, device_id, rotated_from, expires_at)
      SELECT ${createUlid()}, decode(${next.hash}, 'base64'), ${next.last4}, scope, name, device_id, id,
        coalesce(${next.expires_at}::timestamptz, ${lifeFromNow(sql)})
      -- The count revokes the expired successor before the unique index is checked.
      FROM rotated WHERE (SELECT count(*) FROM expired) >= 0
      RETURNING *
    ),
    audit AS (
      INSERT INTO key_audit (action, key_id, actor, request_id)
      SELECT 'rotated', rotated_from, ${by.actor}, ${by.request_id} FROM made
      UNION ALL SELECT 'revoked', id, ${by.actor}, ${by.request_id} FROM expired
      UNION ALL SELECT 'created', id, ${by.actor}, ${by.request_id} FROM made
    )
    SELECT ${columns(sql)} FROM made`;
  return row ?? null;
}

/** When a key that is made now ends, if it is to live as long as the rotated one was made to. */
function lifeFromNow(sql: Sql) {
  return sql`CASE WHEN made_to_expire_at < 'infinity' THEN now() + (made_to_expire_at - created_at) END`;
}

/** Whether there is such a key; one that is revoked stays as it is. */
export async function revokeKey(sql: Sql, id: string, by: Actor): Promise<boolean> {
  const [row] = await sql<{ known: boolean }[]>`
    WITH revoked AS (
      UPDATE api_keys SET revoked_at = now() WHERE id = ${id} AND revoked_at IS NULL RETURNING id
    ),
    audit AS (
      INSERT INTO key_audit (action, key_id, actor, request_id)
      SELECT 'revoked', id, ${by.actor}, ${by.request_id} FROM revoked
    )
    SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = ${id}) AS known`;
  return row?.known ?? false;
}

export async function findKey(sql: Sql, id: string): Promise<ApiKeyRow | null> {
  const [row] = await sql<ApiKeyRow[]>`SELECT ${columns(sql)} FROM api_keys WHERE id = ${id}`;
  return row ?? null;
}

function isLive(sql: Sql) {
  return sql`revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`;
}

function columns(sql: Sql) {
  return sql`id, scope, name, device_id, last4, created_at, last_used_at, expires_at, revoked_at, rotated_from`;
}
