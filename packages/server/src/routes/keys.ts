import { createKeySchema, listQuerySchema, rotateKeySchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { errorCode } from "../db/database-errors.ts";
import { findKey, insertKey, listKeys, revokeKey, rotateKey } from "../db/edits/api-keys.ts";
import { listKeyAudit } from "../db/edits/key-audit.ts";
import type { AppEnv } from "../http/context.ts";
import { createCursor, positionIdSchema, positionNumberSchema } from "../http/cursor.ts";
import { readJson, readOptionalJson } from "../http/json.ts";
import { pageOf } from "../http/list.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { readPathId, readQuery } from "../http/query.ts";
import { actorOf, requireScope } from "../http/scopes.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { createKey } from "../keys/api-key.ts";
import type { Limits } from "../limits.ts";

export type KeyDependencies = { edits: Database; limits: Limits };

const UNIQUE_VIOLATION = "23505";

/** /api/keys: made, listed, rotated and revoked by an admin key. A key is shown in the answer that makes it, and never again. */
export function keyRoutes({ edits, limits }: KeyDependencies) {
  const routes = new Hono<AppEnv>();
  const admin = requireScope("admin");

  routes.get("/", admin, async function getKeys(c) {
    const { limit, cursor: sent } = readQuery(c, listQuerySchema);
    const cursor = createCursor("keys", {}, positionIdSchema);
    const position = cursor.read(sent);
    const rows = await edits.run((sql) => listKeys(sql, limit + 1, position));
    const { items, page } = pageOf(rows, limit, cursor, (row) => row.id);
    return c.json({ keys: items, ...page });
  });

  routes.get("/audit", admin, async function getAudit(c) {
    const { limit, cursor: sent } = readQuery(c, listQuerySchema);
    const cursor = createCursor("key-audit", {}, positionNumberSchema);
    const position = cursor.read(sent);
    const rows = await edits.run((sql) => listKeyAudit(sql, limit + 1, position));
    const { items, page } = pageOf(rows, limit, cursor, (row) => row.id);
    return c.json({ audit: items, ...page });
  });

  routes.post("/", admin, async function postKey(c) {
    const wanted = await readJson(c, createKeySchema, limits);
    const { key, hash, last4 } = createKey(wanted.scope);
    const expires_at = futureOrNull(wanted.expires_at);
    const row = {
      scope: wanted.scope,
      name: wanted.name ?? null,
      device_id: wanted.device_id == null ? null : withoutControlCharacters(wanted.device_id),
      expires_at,
    };
    const made = await edits.run((sql) => insertKey(sql, { ...row, hash, last4 }, actorOf(c)));
    return c.json({ ...made, key }, 201);
  });

  routes.post("/:id/rotate", admin, async function postRotation(c) {
    const wanted = await readOptionalJson(c, rotateKeySchema, limits);
    const id = readPathId(c, "id", "key");
    const old = await edits.run((sql) => findKey(sql, id));
    if (old === null) throw notFound("key");
    const { key, hash, last4 } = createKey(old.scope);
    const expires_at = futureOrNull(wanted.expires_at);
    const next = { hash, last4, grace_s: wanted.grace_seconds, expires_at };
    const made = await edits.run((sql) => rotateKey(sql, id, next, actorOf(c))).catch(nullIfRotatedMeanwhile);
    if (made === null) throw notRotatable();
    c.get("access").forgetKeys();
    return c.json({ ...made, key }, 201);
  });

  routes.delete("/:id", admin, async function deleteKey(c) {
    const id = readPathId(c, "id", "key");
    const known = await edits.run((sql) => revokeKey(sql, id, actorOf(c)));
    c.get("access").forgetKeys();
    if (!known) throw notFound("key");
    return c.body(null, 204);
  });

  return routes;
}

function futureOrNull(expires_at: string | null | undefined): string | null {
  if (expires_at == null || Date.parse(expires_at) > Date.now()) return expires_at ?? null;
  throw new ProblemError({
    status: 400,
    code: "VALIDATION_FAILED",
    detail: "/expires_at: must lie in the future",
    errors: [{ pointer: "/expires_at", detail: "must lie in the future" }],
  });
}

function nullIfRotatedMeanwhile(error: unknown): null {
  if (errorCode(error) === UNIQUE_VIOLATION) return null;
  throw error;
}

function notRotatable(): ProblemError {
  return new ProblemError({
    status: 409,
    code: "KEY_NOT_ROTATABLE",
    detail: "This key is revoked, expired, or has a successor that works: rotate or revoke that one.",
  });
}
