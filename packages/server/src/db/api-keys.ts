import { createUlid, type KeyScope } from "@wharf/protocol";
import type { Sql } from "./postgres.ts";

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
export const LAST_USED_INTERVAL_S = 60;

/** The key with this hash (base64 of its SHA-256), unless it is revoked or expired. */
export async function findLiveKey(sql: Sql, hash: string): Promise<LiveKey | null> {
  const [row] = await sql<LiveKey[]>`
    SELECT id, scope, device_id, extract(epoch FROM expires_at)::float8 * 1000 AS expires_at_ms,
      coalesce(last_used_at > now() - make_interval(secs => ${LAST_USED_INTERVAL_S}), false) AS use_is_noted
    FROM api_keys WHERE hash = decode(${hash}, 'base64') AND ${isLive(sql)}`;
  return row ?? null;
}

export async function noteKeyUse(sql: Sql, id: string): Promise<void> {
  await sql`
    UPDATE api_keys SET last_used_at = now()
    WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= now() - make_interval(secs => ${LAST_USED_INTERVAL_S}))`;
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
 * Makes a successor with the same scope, name and device; the old key expires after the grace. Null when the key is unknown,
 * dead, or has a successor that lives; a rotation at the same time ends in a unique violation (23505).
 */
export async function rotateKey(sql: Sql, id: string, next: Successor, by: Actor): Promise<ApiKeyRow | null> {
  const [row] = await sql<ApiKeyRow[]>`
    WITH rotated AS (
      SELECT * FROM api_keys
      WHERE id = ${id} AND ${isLive(sql)}
        AND NOT EXISTS (SELECT 1 FROM api_keys later WHERE later.rotated_from = ${id} AND later.revoked_at IS NULL)
      FOR UPDATE
    ),
    outgoing AS (
      UPDATE api_keys k SET expires_at = least(k.expires_at, now() + make_interval(secs => ${next.grace_s}))
      FROM rotated WHERE k.id = rotated.id
    ),
    made AS (
      INSERT INTO api_keys (id, hash, last4, scope, name, device_id, rotated_from, expires_at)
      SELECT ${createUlid()}, decode(${next.hash}, 'base64'), ${next.last4}, scope, name, device_id, id,
        coalesce(${next.expires_at}::timestamptz, now() + (expires_at - created_at))
      FROM rotated
      RETURNING *
    ),
    audit AS (
      INSERT INTO key_audit (action, key_id, actor, request_id)
      SELECT 'rotated', rotated_from, ${by.actor}, ${by.request_id} FROM made
      UNION ALL SELECT 'created', id, ${by.actor}, ${by.request_id} FROM made
    )
    SELECT ${columns(sql)} FROM made`;
  return row ?? null;
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
