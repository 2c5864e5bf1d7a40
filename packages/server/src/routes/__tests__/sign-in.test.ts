import { describe, expect, test } from "bun:test";
import type { KeyScope } from "@wharf/protocol";
import { openApp, setupApp, type TestResponse } from "../../__tests__/setup-app.ts";
import { hasCookies } from "../../db/edits/sign-ins.ts";
import { createSignInLink } from "../../keys/sign-in-link.ts";

const server = setupApp({ environment: { WHARF_TRUSTED_PROXIES: "1" } });

/** Of requests without a port. */
const ORIGIN = "http://localhost";
const NO_KEY = { authorization: "" };

let addresses = 0;

/** Without a key. Each call comes from an address of its own unless it names one. */
function signIn(body: unknown, headers: Record<string, string> = {}): Promise<TestResponse> {
  const address = `10.1.0.${++addresses}`;
  return server.request("POST", "/api/sign-in", body, { ...NO_KEY, "x-forwarded-for": address, ...headers });
}

function setCookieOf({ headers }: TestResponse): string {
  return headers.get("set-cookie") ?? "";
}

function cookieOf(answer: TestResponse): string {
  expect(answer.status).toBe(200);
  return setCookieOf(answer).split(";")[0] ?? "";
}

/** As a browser of the server's own pages sends it. */
function browse(cookie: string, method: string, path: string, body?: unknown, origin: string = ORIGIN) {
  return server.request(method, path, body, { ...NO_KEY, cookie, origin });
}

async function newKey(scope: KeyScope): Promise<{ id: string; key: string }> {
  return (await server.request("POST", "/api/keys", { scope })).body;
}

async function newToken(): Promise<string> {
  const path = await createSignInLink(server.sql);
  return new URL(path, ORIGIN).searchParams.get("token") ?? "";
}

describe("signing in", () => {
  test("a read key gives a cookie that reads and does not change", async () => {
    const { id, key } = await newKey("read");
    const answer = await signIn({ key });
    expect(answer.body).toMatchObject({ scope: "read", key_id: id, device_id: null });
    const days = (Date.parse(answer.body.signed_in_until) - Date.now()) / 86_400_000;
    expect(days).toBeWithin(29.9, 30.1);
    const cookie = cookieOf(answer);
    expect((await browse(cookie, "GET", "/api/me")).body).toEqual(answer.body);
    expect((await browse(cookie, "GET", "/api/sessions")).status).toBe(200);
    expect((await browse(cookie, "POST", "/api/keys", { scope: "read" })).status).toBe(403);
  });

  test("the cookie is for this site only, out of reach of scripts, limited in time, and holds no key", async () => {
    const answer = await signIn({ key: server.key });
    const [pair = "", ...attributes] = setCookieOf(answer).split("; ");
    expect(attributes.sort()).toEqual(["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Strict"]);
    expect(pair).toMatch(/^wharf_sign_in=[A-Za-z0-9_-]{43}$/);
    const stored = await server.sql`SELECT to_jsonb(s)::text AS row FROM sign_ins s`;
    expect(JSON.stringify(stored)).not.toContain(pair.slice("wharf_sign_in=".length));
    const overHttps = await signIn({ key: server.key }, { "x-forwarded-proto": "https" });
    expect(setCookieOf(overHttps)).toContain("; Secure");
  });

  test("the admin key of the environment signs in, and the sign-in lasts over a restart of the server", async () => {
    const cookie = cookieOf(await signIn({ key: server.key }));
    const restarted = await openApp(server.url);
    const answer = await restarted.app.request("/api/keys", { headers: { cookie } });
    expect(answer.status).toBe(200);
    const changed = `wharf_admin_${"z".repeat(43)}`;
    const otherKey = await openApp(server.url, { environment: { WHARF_ADMIN_KEY: changed } });
    expect((await otherKey.app.request("/api/me", { headers: { cookie } })).status).toBe(401);
    await Promise.all([restarted.drain(), otherKey.drain()]);
  });

  test("an ingest key does not sign in, and the answer names what does", async () => {
    const { key } = await newKey("ingest");
    const { status, body, headers } = await signIn({ key });
    expect([status, body.code, headers.get("set-cookie")]).toEqual([403, "SCOPE_INSUFFICIENT", null]);
    expect(body.detail).toContain("read key or an admin key");
  });

  test("neither key nor token, both, a form, and a compressed body are refused", async () => {
    const token = await newToken();
    for (const body of [{}, { key: server.key, token }, { key: 1 }, { token: "" }])
      expect((await signIn(body)).status).toBe(400);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect((await signIn(`token=${token}`, form)).status).toBe(415);
    expect((await signIn({ token }, { "content-encoding": "gzip" })).status).toBe(415);
    expect((await signIn({ token })).status).toBe(200);
  });

  test("after 20 wrong keys and tokens a minute the address gets 429, and a right key is accepted", async () => {
    const from = { "x-forwarded-for": "192.0.2.9" };
    for (let i = 0; i < 10; i++) {
      expect((await signIn({ key: "letmein" }, from)).status).toBe(401);
      expect((await signIn({ token: "letmein" }, from)).status).toBe(401);
    }
    const refused = await signIn({ token: "letmein" }, from);
    expect([refused.status, refused.body.code]).toEqual([429, "AUTH_TOO_MANY_FAILURES"]);
    expect((await signIn({ key: server.key }, from)).status).toBe(200);
  });
});

describe("a link", () => {
  test("signs in as the admin key, once, also when it is used twice at the same time", async () => {
    const token = await newToken();
    const answers = await Promise.all([1, 2, 3].map(() => signIn({ token })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
    expect(answers.find(({ status }) => status === 200)?.body).toMatchObject({
      scope: "admin",
      key_id: null,
    });
    const again = await signIn({ token });
    expect([again.status, again.body.code]).toEqual([401, "SIGN_IN_REFUSED"]);
  });

  test("acts as the newest valid admin key of the table where the server has no other, or is refused", async () => {
    const { id } = await newKey("admin");
    const revoked = await newKey("admin");
    await server.request("DELETE", `/api/keys/${revoked.id}`);
    const path = await createSignInLink(server.sql);
    const body = JSON.stringify({ token: new URL(path, ORIGIN).searchParams.get("token") });
    const headers = { "content-type": "application/json" };
    const other = await openApp(server.url, { adminKey: null });
    const answer = await other.app.request("/api/sign-in", { method: "POST", headers, body });
    expect(await answer.json()).toMatchObject({ scope: "admin", key_id: id });
    await server.sql`DELETE FROM api_keys`;
    const next = JSON.stringify({ token: await newToken() });
    expect((await other.app.request("/api/sign-in", { method: "POST", headers, body: next })).status).toBe(
      401,
    );
    await other.drain();
  });

  test("expires after ten minutes, and is no cookie", async () => {
    const token = await newToken();
    expect((await browse(`wharf_sign_in=${token}`, "GET", "/api/me")).status).toBe(401);
    const [row] =
      await server.sql`SELECT extract(epoch FROM expires_at - now())::float8 AS life_s FROM sign_ins`;
    expect(row?.["life_s"]).toBeWithin(500, 600.1);
    await server.sql`UPDATE sign_ins SET expires_at = now()`;
    server.current().access.forgetKeys();
    expect((await signIn({ token })).status).toBe(401);
  });

  test("leaves no expired row when it is made, and when it is exchanged", async () => {
    const expire = () => server.sql`UPDATE sign_ins SET expires_at = now() WHERE key_hash IS NOT NULL`;
    cookieOf(await signIn({ key: server.key }));
    await expire();
    const token = await newToken();
    expect(await server.sql`SELECT FROM sign_ins`).toHaveLength(1);
    await signIn({ key: server.key });
    await expire();
    cookieOf(await signIn({ token }));
    expect(await server.sql`SELECT FROM sign_ins`).toHaveLength(1);
  });

  test("is offered at the start until a browser is signed in", async () => {
    const token = await newToken();
    expect(await hasCookies(server.sql)).toBe(false);
    await signIn({ token });
    expect(await hasCookies(server.sql)).toBe(true);
  });
});

describe("the cookie", () => {
  test("changes nothing for a page of another origin, or without an origin", async () => {
    const cookie = cookieOf(await signIn({ key: server.key }));
    const send = (headers: Record<string, string>) =>
      server.request("POST", "/api/keys", { scope: "read" }, { ...NO_KEY, cookie, ...headers });
    const foreign = ["http://evil.example", "http://localhost:8080", "https://localhost", "null", ""];
    for (const origin of foreign) {
      const { status, body } = await send({ origin });
      expect([origin, status, body.code]).toEqual([origin, 403, "ORIGIN_REFUSED"]);
    }
    expect((await send({})).status).toBe(403);
    expect((await send({ origin: ORIGIN })).status).toBe(201);
    const proxied = { origin: "https://localhost", "x-forwarded-proto": "https" };
    expect((await send(proxied)).status).toBe(201);
    expect((await browse(cookie, "GET", "/api/keys", undefined, "http://evil.example")).status).toBe(200);
  });

  test("counts only without Authorization", async () => {
    const { key } = await newKey("read");
    const cookie = cookieOf(await signIn({ key: server.key }));
    const me = (authorization: string) =>
      server.request("GET", "/api/me", undefined, { cookie, authorization });
    expect((await me("")).body.scope).toBe("admin");
    expect((await me(`Bearer ${key}`)).body).toMatchObject({ scope: "read", signed_in_until: null });
    expect((await me("Bearer letmein")).status).toBe(401);
    expect((await me("Basic letmein")).status).toBe(401);
  });

  test("ends with its key, at its time, and at the sign-out", async () => {
    const { id, key } = await newKey("read");
    const ofKey = cookieOf(await signIn({ key }));
    const late = cookieOf(await signIn({ key: server.key }));
    const left = cookieOf(await signIn({ key: server.key }));
    const status = async (cookie: string) => (await browse(cookie, "GET", "/api/me")).status;
    expect([await status(ofKey), await status(late), await status(left)]).toEqual([200, 200, 200]);

    await server.request("DELETE", `/api/keys/${id}`);
    expect([await status(ofKey), await status(left)]).toEqual([401, 200]);

    const answer = await browse(left, "POST", "/api/sign-out");
    expect(answer.status).toBe(204);
    expect(setCookieOf(answer)).toMatch(/^wharf_sign_in=; Max-Age=0;/);
    expect([await status(left), await status(late)]).toEqual([401, 200]);

    await server.sql`UPDATE sign_ins SET expires_at = now()`;
    server.current().access.forgetKeys();
    expect(await status(late)).toBe(401);
    await signIn({ key: server.key });
    expect(await server.sql`SELECT 1 FROM sign_ins WHERE expires_at <= now()`).toBeEmpty();
  });

  test("of one hub leaves that of another hub on the same host, at another port", async () => {
    const { app } = server.current();
    const send = (
      origin: string,
      method: string,
      path: string,
      more: { cookie?: string; body?: string } = {},
    ) => {
      const { cookie = "", body = null } = more;
      const headers = { cookie, origin, "content-type": "application/json" };
      return app.request(`${origin}${path}`, { method, headers, body });
    };
    const [one, other] = ["http://localhost:8080", "http://localhost:9090"];
    const body = JSON.stringify({ key: server.key });
    const signedIn = [
      await send(one, "POST", "/api/sign-in", { body }),
      await send(other, "POST", "/api/sign-in", { body }),
    ];
    const pairs = signedIn.map(({ headers }) => headers.get("set-cookie")?.split(";")[0] ?? "");
    expect(pairs.map((pair) => pair.split("=")[0])).toEqual(["wharf_sign_in_8080", "wharf_sign_in_9090"]);
    // A browser sends both to each.
    const cookie = pairs.join("; ");
    expect((await send(other, "POST", "/api/sign-out", { cookie })).headers.get("set-cookie")).toStartWith(
      "wharf_sign_in_9090=;",
    );
    expect((await send(one, "GET", "/api/me", { cookie })).status).toBe(200);
    expect((await send(other, "GET", "/api/me", { cookie })).status).toBe(401);
  });

  test("is not set for a page of another origin, and a program needs no origin", async () => {
    const token = await newToken();
    for (const origin of ["http://evil.example", "http://localhost:8080", "null"]) {
      const { status, body, headers } = await signIn({ token }, { origin });
      expect([status, body.code, headers.get("set-cookie")]).toEqual([403, "ORIGIN_REFUSED", null]);
    }
    expect((await signIn({ key: server.key })).status).toBe(200);
    cookieOf(await signIn({ token }, { origin: ORIGIN }));
  });

  test("another site cannot sign a browser out", async () => {
    const cookie = cookieOf(await signIn({ key: server.key }));
    const answer = await browse(cookie, "POST", "/api/sign-out", undefined, "http://evil.example");
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([403, null]);
    expect((await browse(cookie, "GET", "/api/me")).status).toBe(200);
  });
});
