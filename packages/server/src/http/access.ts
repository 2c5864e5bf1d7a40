import type { Context } from "hono";
import { findLiveKey, type LiveKey, noteKeyUse } from "../db/api-keys.ts";
import type { Database } from "../db/database.ts";
import { hashOf, looksLikeKey } from "../keys/api-key.ts";
import { createKeyCache } from "../keys/key-cache.ts";
import type { Limits } from "../limits.ts";
import { clientNetwork } from "./client-address.ts";
import type { Access, AppEnv, Caller, RefusalReason } from "./context.ts";
import { ProblemError } from "./problem.ts";
import { createRateLimits } from "./rate-limits.ts";
import { createTokenBuckets } from "./token-buckets.ts";

export type AccessOptions = {
  /** The admin key of the environment or of the data folder; null: keys of the table alone. */
  adminKey: string | null;
  database: Database;
  limits: Limits;
  trustedProxies: number;
  /** Told of every refusal: `authentication`, `requests` or `events`. */
  onRefusal?: (reason: RefusalReason) => void;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

const SECONDS_PER_MINUTE = 60;
const ADMIN_OF_ENVIRONMENT: Caller = { keyId: null, scope: "admin", deviceId: null };

export function createAccess(options: AccessOptions): Access {
  const { database, limits, trustedProxies, onRefusal, now = () => performance.now() } = options;
  const adminHash = options.adminKey === null ? null : hashOf(options.adminKey);
  const keys = createKeyCache<LiveKey>((hash) => lookUp(database, hash), now);
  const failures = createTokenBuckets({
    capacity: limits.failed_authentications_per_min,
    refillPerS: limits.failed_authentications_per_min / SECONDS_PER_MINUTE,
    now,
  });

  function authenticate(c: Context<AppEnv>): Caller | Promise<Caller> {
    const key = bearerToken(c);
    if (key === null) throw unauthorized();
    const hash = hashOf(key);
    // Of a hash, the time of a comparison tells nothing that helps to guess the key.
    if (hash === adminHash) return ADMIN_OF_ENVIRONMENT;
    const remembered = keys.remembered(hash);
    return remembered && !hasExpired(remembered) ? callerOf(remembered) : lookUpCaller(c, key, hash);
  }

  async function lookUpCaller(c: Context<AppEnv>, key: string, hash: string): Promise<Caller> {
    const found = await findKey(c, key, hash);
    if (found === null) throw unauthorized();
    return callerOf(found);
  }

  /**
   * Keys that were seen to be valid are looked up also for an address that fails too often: others may share it. Any other is
   * a guess, counted before it is looked up: thousands at once would else all pass before the first of them has failed.
   */
  async function findKey(c: Context<AppEnv>, key: string, hash: string): Promise<LiveKey | null> {
    if (!keys.wasKnown(hash) && !keys.isUnderWay(hash)) return await guess(c, key, hash);
    const found = await findUsable(key, hash);
    if (found === null) failures.take(clientNetwork(c, trustedProxies), 1);
    return found;
  }

  async function guess(c: Context<AppEnv>, key: string, hash: string): Promise<LiveKey | null> {
    const giveBack = takeAttempt(c);
    const found = await findUsable(key, hash).catch((error) => {
      giveBack();
      throw error;
    });
    if (found !== null) giveBack();
    return found;
  }

  async function findUsable(key: string, hash: string): Promise<LiveKey | null> {
    const found = looksLikeKey(key) ? await keys.find(hash) : null;
    return found === null || hasExpired(found) ? null : found;
  }

  function takeAttempt(c: Context<AppEnv>): () => void {
    const network = clientNetwork(c, trustedProxies);
    const { ok, retryAfter_s } = failures.take(network, 1);
    if (ok) return () => failures.giveBack(network, 1);
    onRefusal?.("authentication");
    throw new ProblemError({
      status: 429,
      code: "AUTH_TOO_MANY_FAILURES",
      detail: "Too many wrong keys or codes came from this address: wait, then try again.",
      headers: { "retry-after": String(retryAfter_s) },
    });
  }

  return {
    authenticate,
    ...createRateLimits({ limits, now, ...(onRefusal === undefined ? {} : { onRefusal }) }),
    takeAttempt,
    isAdminKey: (text) => hashOf(text) === adminHash,
    forgetKeys: keys.forget,
  };
}

function hasExpired({ expires_at_ms }: LiveKey): boolean {
  return expires_at_ms !== null && expires_at_ms <= Date.now();
}

function callerOf({ id, scope, device_id }: LiveKey): Caller {
  return { keyId: id, scope, deviceId: device_id };
}

async function lookUp(database: Database, hash: string): Promise<LiveKey | null> {
  const key = await database.run((sql) => findLiveKey(sql, hash));
  // Nobody waits for the note: a database that cannot write must not keep anybody from reading.
  if (key !== null && !key.use_is_noted)
    void database.run((sql) => noteKeyUse(sql, key.id)).catch(() => undefined);
  return key;
}

function bearerToken(c: Context<AppEnv>): string | null {
  return /^Bearer +([^\s]+) *$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? null;
}

/** A missing, wrong, revoked and expired key get the same answer. */
function unauthorized(): ProblemError {
  return new ProblemError({
    status: 401,
    code: "AUTH_REQUIRED",
    detail: "A valid key is required: send it as Authorization: Bearer <key>.",
    headers: { "www-authenticate": "Bearer" },
  });
}
