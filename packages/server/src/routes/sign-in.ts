import { callerSchema, signInSchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { z } from "zod";
import type { Database } from "../db/database.ts";
import { deleteCookie, exchangeLink, insertCookie, type NewCookie } from "../db/edits/sign-ins.ts";
import type { Access } from "../http/access.ts";
import { type Caller, callerOf, scopeInsufficient } from "../http/caller.ts";
import { readPlainJson } from "../http/json.ts";
import { operation, requireReady } from "../http/operation.ts";
import { ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import {
  clearSignInCookie,
  requireOwnOrigin,
  setSignInCookie,
  signInCookie,
} from "../http/sign-in-cookie.ts";
import { hashOf } from "../keys/api-key.ts";
import { COOKIE_LIFE_S, createSignInSecret } from "../keys/sign-in-secret.ts";
import type { Limits } from "../limits.ts";

export type SignInDependencies = { edits: Database; limits: Limits };

/** For senders without a key. */
const SIGN_IN_BODY_BYTES_MAX = 4 * 1024;

const tag = "Keys";

const signIn = operation({
  scopes: [],
  tag,
  summary: "Sign in a browser",
  description:
    "Takes a read key, an admin key, or the token of the link that the first start and `bun run sign-in` print: it works once, within ten minutes. The response sets a cookie for 30 days, which acts as the key until the key is revoked or expires. Requests with the cookie that change something need an Origin header with the server's own address; `Authorization` has precedence over the cookie.",
  rawBody: { schema: signInSchema, contentTypes: ["application/json"] },
  responses: { 200: callerSchema },
  problems: {
    401: "The key or the token is invalid.",
    403: "The key only sends, or a page of another origin sent the request.",
    429: "Too many wrong keys came from this address.",
  },
  example: { status: 200, body: { token: "Q2h7yVnJ0mXc4uT1sLkR8eWbG5aZfD3oNpIiHvE6wYA" } },
});

const signOut = operation({
  scopes: ["read"],
  tag,
  summary: "Sign out the browser that sends the cookie",
  responses: { 204: null },
  example: { status: 204 },
});

const readMe = operation({
  scopes: ["ingest", "read"],
  tag,
  summary: "Whose key or sign-in the request has",
  responses: { 200: callerSchema },
  example: { status: 200 },
});

/** POST /api/sign-in and /api/sign-out, GET /api/me. */
export function signInRoutes({ edits, limits }: SignInDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/sign-in", signIn, async function postSignIn(c) {
    requireReady(c);
    // Another page must not sign a browser in with its own key. Programs send no Origin.
    if (c.req.header("origin") !== undefined) requireOwnOrigin(c);
    const access = c.get("access");
    const { key, token } = await readPlainJson(c, signInSchema, {
      ...limits,
      body_bytes: SIGN_IN_BODY_BYTES_MAX,
    });
    const { secret, hash } = createSignInSecret();
    const cookie = { hash, life_s: COOKIE_LIFE_S };
    const caller =
      key === undefined ? await byToken(access, token ?? "", cookie) : await byKey(access, key, cookie);
    if (caller === null) throw access.countFailure(c, refused());
    setSignInCookie(c, secret);
    return c.json(asSent(caller));
  });

  async function byKey(access: Access, key: string, cookie: NewCookie): Promise<Caller | null> {
    const caller = await access.callerOfKey(key);
    if (caller === null) return null;
    if (caller.scope === "ingest") throw onlySends();
    const { expires_at_ms } = await edits.run((sql) => insertCookie(sql, hashOf(key), cookie));
    return { ...caller, signedInUntil_ms: expires_at_ms };
  }

  async function byToken(access: Access, token: string, cookie: NewCookie): Promise<Caller | null> {
    const linkHash = hashOf(token);
    if (!(await access.isLiveLink(linkHash))) return null;
    const stored = await edits.run((sql) => exchangeLink(sql, linkHash, access.adminHash, cookie));
    const caller = stored === null ? null : await access.callerOfHash(stored.key_hash);
    return stored === null || caller === null ? null : { ...caller, signedInUntil_ms: stored.expires_at_ms };
  }

  routes.post("/sign-out", signOut, async function postSignOut(c) {
    const cookie = signInCookie(c);
    if (cookie === null) return c.body(null, 204);
    await edits.run((sql) => deleteCookie(sql, hashOf(cookie)));
    c.get("access").forgetKeys();
    clearSignInCookie(c);
    return c.body(null, 204);
  });

  routes.get("/me", readMe, (c) => c.json(asSent(callerOf(c))));

  return routes;
}

function asSent({ scope, keyId, deviceId, signedInUntil_ms }: Caller): z.infer<typeof callerSchema> {
  const signed_in_until = signedInUntil_ms === undefined ? null : new Date(signedInUntil_ms).toISOString();
  return { scope, key_id: keyId, device_id: deviceId, signed_in_until };
}

/** The same for an unknown, a used and an expired one. */
function refused(): ProblemError {
  return new ProblemError({
    status: 401,
    code: "SIGN_IN_REFUSED",
    detail:
      "This key or link is invalid. A link works once, for ten minutes; `bun run sign-in` on the server prints a new one.",
  });
}

function onlySends(): ProblemError {
  return scopeInsufficient(
    "An ingest key only sends and cannot sign in. Use a read key or an admin key, or the link that `bun run sign-in` prints on the server.",
  );
}
