import type { Context } from "hono";
import type { Database } from "../db/database.ts";
import { findLiveKeys, type LiveKey, noteKeyUses } from "../db/edits/api-keys.ts";
import { findLiveCodes } from "../db/edits/enrolment-codes.ts";
import { findSignIns, type StoredSignIn } from "../db/edits/sign-ins.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import { hashOf, looksLikeKey } from "../keys/api-key.ts";
import { createKeyCache } from "../keys/key-cache.ts";
import { lookUpInGroups } from "../keys/look-up-in-groups.ts";
import type { Limits } from "../limits.ts";
import type { Caller } from "./caller.ts";
import { clientNetwork } from "./client-address.ts";
import { ProblemError } from "./problem.ts";
import { createRateLimits } from "./rate-limits.ts";
import type { AppEnv } from "./request-context.ts";
import { requireOwnOrigin, signInCookie } from "./sign-in-cookie.ts";
import { createTokenBuckets } from "./token-buckets.ts";

export type Access = {
  /**
   * By the key, or by the cookie if there is no Authorization. Throws ProblemError 401, or 429 after too many failures from one
   * address (never for a valid key), and 403 for a change with a cookie from another origin.
   */
  authenticate(c: Context<AppEnv>): Promise<Caller>;
  /** Throws ProblemError 429 when the caller's key has used up its requests or events. Admin keys have no limit. */
  takeRequest(c: Context<AppEnv>, caller: Caller): void;
  takeEvents(c: Context<AppEnv>, count: number): void;
  /** As takeEvents, before the number of events is known: takes none. */
  requireEvents(c: Context<AppEnv>): void;
  /** Counts a wrong key or code of the sender. Returns what to throw: `problem`, or a 429 after too many failures. */
  countFailure(c: Context<AppEnv>, problem: ProblemError): ProblemError;
  /** Who sends this key; null for an invalid one. */
  callerOfKey(key: string): Promise<Caller | null>;
  /** As callerOfKey, by the key's hash. */
  callerOfHash(hash: string): Promise<Caller | null>;
  /** Whether a sign-in link with this hash can be used. */
  isLiveLink(hash: string): Promise<boolean>;
  /** Of the admin key of the environment or of the data folder. */
  adminHash: string | null;
  /** Whether an enrolment code with this hash can be used. */
  isLiveCode(hash: string): Promise<boolean>;
  /** Text for a log, without the admin key of the environment or of the data folder, which matches no pattern. */
  withoutAdminKey(text: string): string;
  /** Call after this process changed a key or a sign-in: cached ones are looked up again. */
  forgetKeys(): void;
};

export type RefusalReason = "authentication" | "requests" | "events" | "body_memory" | "response_memory";

export type AccessOptions = {
  /** The admin key of the environment or of the data folder; null: only keys of the table. */
  adminKey: string | null;
  /** For look-ups of keys and codes only, so that they never wait for queries that wait for a lock. */
  database: Database;
  limits: Limits;
  trustedProxies: number;
  /** Called for every refusal: `authentication`, `requests` or `events`. */
  onRefusal?: (reason: RefusalReason) => void;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

const SECONDS_PER_MINUTE = 60;
const ADMIN_OF_ENVIRONMENT: Caller = { keyId: null, scope: "admin", deviceId: null };

export function createAccess(options: AccessOptions): Access {
  const { database, limits, trustedProxies, onRefusal, now = () => performance.now() } = options;
  const adminHash = options.adminKey === null ? null : hashOf(options.adminKey);
  const keys = createKeyCache(
    lookUpInGroups((hashes) => findKeys(database, hashes)),
    now,
  );
  const signIns = createKeyCache(
    lookUpInGroups((hashes) => database.run((sql) => findSignIns(sql, hashes))),
    now,
  );
  const findCode = lookUpInGroups((hashes) => database.run((sql) => findLiveCodes(sql, hashes)));
  const failures = createTokenBuckets({
    capacity: limits.failed_authentications_per_min,
    refillPerS: limits.failed_authentications_per_min / SECONDS_PER_MINUTE,
    now,
  });

  async function authenticate(c: Context<AppEnv>): Promise<Caller> {
    const cookie = (c.req.header("authorization") ?? "") === "" ? signInCookie(c) : null;
    if (cookie !== null) return await callerOfCookie(c, cookie);
    const key = bearerToken(c);
    if (key === null) throw unauthorized();
    // A valid key is accepted after any number of failures, since clients may share an address. Only invalid keys count.
    return (await callerOfKey(key)) ?? refuse(c, unauthorized());
  }

  async function callerOfKey(key: string): Promise<Caller | null> {
    const hash = hashOf(key);
    return hash === adminHash || looksLikeKey(key) ? await callerOfHash(hash) : null;
  }

  async function callerOfHash(hash: string): Promise<Caller | null> {
    // Hashes are compared, so the time of the comparison reveals nothing about the key.
    if (hash === adminHash) return ADMIN_OF_ENVIRONMENT;
    const found = await keys.find(hash);
    return found === null || hasExpired(found) ? null : callerOf(found);
  }

  async function callerOfCookie(c: Context<AppEnv>, cookie: string): Promise<Caller> {
    const signIn = await findSignIn(hashOf(cookie));
    const caller = signIn?.key_hash == null ? null : await callerOfHash(signIn.key_hash);
    if (signIn === null || caller === null) throw countFailure(c, signedOut());
    requireOwnOrigin(c);
    return { ...caller, signedInUntil_ms: signIn.expires_at_ms };
  }

  async function findSignIn(hash: string): Promise<StoredSignIn | null> {
    const found = await signIns.find(hash);
    return found === null || found.expires_at_ms <= Date.now() ? null : found;
  }

  function refuse(c: Context<AppEnv>, problem: ProblemError): never {
    throw countFailure(c, problem);
  }

  function countFailure(c: Context<AppEnv>, problem: ProblemError): ProblemError {
    const { ok, retryAfter_s } = failures.take(clientNetwork(c, trustedProxies), 1);
    if (ok) return problem;
    onRefusal?.("authentication");
    return tooManyFailures(retryAfter_s);
  }

  return {
    authenticate,
    ...createRateLimits({ limits, now, ...(onRefusal === undefined ? {} : { onRefusal }) }),
    countFailure,
    callerOfKey,
    callerOfHash,
    isLiveLink: async (hash) => (await findSignIn(hash))?.key_hash === null,
    adminHash,
    isLiveCode: async (hash) => (await findCode(hash)) !== null,
    withoutAdminKey: (text) =>
      options.adminKey === null ? text : text.replaceAll(options.adminKey, "[key]"),
    forgetKeys: () => {
      keys.forget();
      signIns.forget();
    },
  };
}

function hasExpired({ expires_at_ms }: LiveKey): boolean {
  return expires_at_ms !== null && expires_at_ms <= Date.now();
}

function callerOf({ id, scope, device_id }: LiveKey): Caller {
  // A device's read key reads everything: only its ingest key is bound.
  const bound = scope === "ingest" ? device_id : null;
  // As in events, so that the device ids of key and events are equal.
  return { keyId: id, scope, deviceId: bound === null ? null : withoutControlCharacters(bound) };
}

async function findKeys(database: Database, hashes: readonly string[]): Promise<Map<string, LiveKey>> {
  const found = await database.run((sql) => findLiveKeys(sql, hashes));
  const unnoted = [...found.values()].filter((key) => !key.use_is_noted).map(({ id }) => id);
  // Not awaited: a read-only database must not block reads.
  if (unnoted.length > 0) void database.run((sql) => noteKeyUses(sql, unnoted)).catch(() => undefined);
  return found;
}

function bearerToken(c: Context<AppEnv>): string | null {
  return /^Bearer +([^\s]+) *$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? null;
}

/** The same for a missing, wrong, revoked and expired key. */
function unauthorized(): ProblemError {
  return new ProblemError({
    status: 401,
    code: "AUTH_REQUIRED",
    detail: "A valid key is required. Send it as `Authorization: Bearer <key>`.",
    error: "Missing or invalid API key",
    headers: { "www-authenticate": "Bearer" },
  });
}

function signedOut(): ProblemError {
  return new ProblemError({
    status: 401,
    code: "AUTH_REQUIRED",
    detail: "The sign-in of this browser has ended. Sign in again.",
    error: "Missing or invalid API key",
  });
}

function tooManyFailures(retryAfter_s: number): ProblemError {
  return new ProblemError({
    status: 429,
    code: "AUTH_TOO_MANY_FAILURES",
    detail: "Too many wrong keys or codes from this address. Retry after the time in Retry-After.",
    headers: { "retry-after": String(retryAfter_s) },
  });
}
