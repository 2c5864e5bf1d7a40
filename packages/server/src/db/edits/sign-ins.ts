import { one } from "@wharf/job-runner";
import type { Sql } from "../postgres.ts";

export type StoredSignIn = {
  /** Of the key that a cookie acts as (base64); null for a link. */
  key_hash: string | null;
  /** Milliseconds since 1970. */
  expires_at_ms: number;
};

export type NewCookie = { hash: string; life_s: number };

/** A cookie's key (hash in base64) and when the cookie expires (milliseconds since 1970). */
export type StoredCookie = { key_hash: string; expires_at_ms: number };

/** Of links and cookies with these hashes (base64) those that have not expired, by hash. */
export async function findSignIns(sql: Sql, hashes: readonly string[]): Promise<Map<string, StoredSignIn>> {
  const rows = await sql<(StoredSignIn & { hash: string })[]>`
    SELECT wanted.hash, encode(s.key_hash, 'base64') AS key_hash,
      extract(epoch FROM s.expires_at)::float8 * 1000 AS expires_at_ms
    FROM unnest(${[...hashes]}::text[]) AS wanted (hash) JOIN sign_ins s ON s.hash = decode(wanted.hash, 'base64')
    WHERE s.expires_at > now()`;
  return new Map(rows.map(({ hash, ...found }) => [hash, found]));
}

/** Stores the cookie of a browser that signs in with a key. */
export async function insertCookie(sql: Sql, keyHash: string, cookie: NewCookie): Promise<StoredCookie> {
  const rows = await sql<StoredCookie[]>`
    WITH ${expiredDeleted(sql)}
    INSERT INTO sign_ins (hash, key_hash, expires_at)
    VALUES (decode(${cookie.hash}, 'base64'), decode(${keyHash}, 'base64'), now() + make_interval(secs => ${cookie.life_s}))
    RETURNING ${stored(sql)}`;
  return one(rows);
}

/**
 * Exchanges a link for a cookie of the admin key, in one statement. `adminHash`: of the server's own admin key; null: the newest
 * valid one of the table. Null for a link that is unknown, used or expired.
 */
export async function exchangeLink(
  sql: Sql,
  linkHash: string,
  adminHash: string | null,
  cookie: NewCookie,
): Promise<StoredCookie | null> {
  const [row] = await sql<StoredCookie[]>`
    WITH ${expiredDeleted(sql)},
    used AS (
      DELETE FROM sign_ins WHERE hash = decode(${linkHash}, 'base64') AND key_hash IS NULL AND expires_at > now()
      RETURNING hash
    ),
    admin AS (
      SELECT decode(${adminHash}, 'base64') AS hash WHERE ${adminHash}::text IS NOT NULL
      UNION ALL
      (SELECT hash FROM api_keys
       WHERE scope = 'admin' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
         AND ${adminHash}::text IS NULL
       ORDER BY id DESC LIMIT 1)
    )
    INSERT INTO sign_ins (hash, key_hash, expires_at)
    SELECT decode(${cookie.hash}, 'base64'), admin.hash, now() + make_interval(secs => ${cookie.life_s}) FROM used, admin
    RETURNING ${stored(sql)}`;
  return row ?? null;
}

/** In each statement that adds a row: a table without expired links and cookies stays small. */
function expiredDeleted(sql: Sql) {
  return sql`expired AS (DELETE FROM sign_ins WHERE expires_at <= now())`;
}

function stored(sql: Sql) {
  return sql`encode(key_hash, 'base64') AS key_hash, extract(epoch FROM expires_at)::float8 * 1000 AS expires_at_ms`;
}

export async function deleteCookie(sql: Sql, hash: string): Promise<void> {
  await sql`DELETE FROM sign_ins WHERE hash = decode(${hash}, 'base64') AND key_hash IS NOT NULL`;
}

export async function insertLink(sql: Sql, { hash, life_s }: NewCookie): Promise<void> {
  await sql`
    WITH ${expiredDeleted(sql)}
    INSERT INTO sign_ins (hash, expires_at) VALUES (decode(${hash}, 'base64'), now() + make_interval(secs => ${life_s}))`;
}

/** Whether a browser is signed in. */
export async function hasCookies(sql: Sql): Promise<boolean> {
  const rows = await sql<{ found: boolean }[]>`
    SELECT EXISTS (SELECT FROM sign_ins WHERE key_hash IS NOT NULL AND expires_at > now()) AS found`;
  return one(rows).found;
}
