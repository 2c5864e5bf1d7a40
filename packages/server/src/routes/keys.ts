import {
  apiKeySchema,
  createdKeySchema,
  createKeySchema,
  keyAuditSchema,
  listQuerySchema,
  rotateKeySchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { errorCode } from "../db/database-errors.ts";
import { findKey, insertKey, listKeys, revokeKey, rotateKey } from "../db/edits/api-keys.ts";
import { listKeyAudit } from "../db/edits/key-audit.ts";
import { actorOf } from "../http/caller.ts";
import { operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, positionIdSchema, positionNumberSchema } from "../http/pagination.ts";
import { notFound, ProblemError } from "../http/problem.ts";
import { noQuerySchema, readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { createKey } from "../keys/api-key.ts";

export type KeyDependencies = { edits: Database };

const UNIQUE_VIOLATION = "23505";

const tag = "Keys";
const path = { id: "01JP9Z000000000000000000K1" };

const list = operation({
  scopes: ["admin"],
  tag,
  summary: "List keys, newest first, without their secrets",
  query: listQuerySchema,
  responses: { 200: pageResponse("keys", apiKeySchema) },
  example: { status: 200, query: { limit: "10" } },
});

const listAudit = operation({
  scopes: ["admin"],
  tag,
  summary: "List creations, rotations and revocations of keys, newest first",
  query: listQuerySchema,
  responses: { 200: pageResponse("audit", keyAuditSchema) },
  example: { status: 200, query: { limit: "10" } },
});

const create = operation({
  scopes: ["admin"],
  tag,
  summary: "Create a key",
  description:
    "The key is shown only in this response. An ingest key with `device_id` can write only as that device.",
  body: createKeySchema,
  responses: { 201: createdKeySchema },
  example: { status: 201, body: { scope: "ingest", name: "Ada's laptop", device_id: "laptop" } },
});

const rotate = operation({
  scopes: ["admin"],
  tag,
  summary: "Replace a key by a successor",
  description: "The old key remains valid for `grace_seconds`.",
  body: rotateKeySchema,
  isBodyOptional: true,
  responses: { 201: createdKeySchema },
  problems: { 409: "The key is revoked, expired, or already has an active successor." },
  example: { status: 201, path, body: { grace_seconds: 3600 } },
});

const revoke = operation({
  scopes: ["admin"],
  tag,
  summary: "Revoke a key",
  query: noQuerySchema,
  responses: { 204: null },
  example: { status: 204, path },
});

/** /api/keys: created, listed, rotated and revoked. A key is shown only in the response that creates it. */
export function keyRoutes({ edits }: KeyDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getKeys(c) {
    const { limit, cursor: sent } = c.req.valid("query");
    const cursor = createCursor("keys", {}, positionIdSchema);
    const position = cursor.read(sent);
    const rows = await edits.run((sql) => listKeys(sql, limit + 1, position));
    const { items, page } = pageOf(rows, limit, cursor, (row) => row.id);
    return c.json({ keys: items, ...page });
  });

  routes.get("/audit", listAudit, async function getAudit(c) {
    const { limit, cursor: sent } = c.req.valid("query");
    const cursor = createCursor("key-audit", {}, positionNumberSchema);
    const position = cursor.read(sent);
    const rows = await edits.run((sql) => listKeyAudit(sql, limit + 1, position));
    const { items, page } = pageOf(rows, limit, cursor, (row) => row.id);
    return c.json({ audit: items, ...page });
  });

  routes.post("/", create, async function postKey(c) {
    const wanted = c.req.valid("json");
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

  routes.post("/:id/rotate", rotate, async function postRotation(c) {
    const wanted = c.req.valid("json");
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

  routes.delete("/:id", revoke, async function deleteKey(c) {
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
    detail: "/expires_at: must be in the future",
    errors: [{ pointer: "/expires_at", detail: "must be in the future" }],
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
    detail:
      "This key is revoked, expired, or already has an active successor. Rotate or revoke the successor instead.",
  });
}
