import { expect, test } from "bun:test";
import { Hono } from "hono";
import { requestVariables } from "../../__tests__/request-variables.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { PAGE_POLICY } from "../../http/html-page.ts";
import type { AppEnv } from "../../http/request-context.ts";
import { anEvent, send } from "../../ingest/__tests__/event-factory.ts";
import type { Phase } from "../../readiness.ts";
import { createSender } from "../../transcripts/custody/__tests__/send-file.ts";
import { homeRoutes } from "../home.ts";

const server = setupApp();

async function open(
  address: string | null,
  headers: Record<string, string> = {},
  url = "http://localhost:4318/",
) {
  const requestIP = () => (address === null ? null : { address });
  const response = await server.current().app.fetch(new Request(url, { headers }), { requestIP });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test("the first page shows the state, how a device joins, and links, without a key or a script", async () => {
  const { status, headers, text } = await open("127.0.0.1");
  expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
  expect(headers.get("content-security-policy")).toBe(PAGE_POLICY);
  expect(text).toContain("· ready");
  expect(text).toContain("http://localhost:4318/api/devices/enrolment-codes");
  expect(text).toContain("curl -fsS http://localhost:4318/install.sh | sh -s -- CODE");
  expect(text).toContain('href="/docs"');
  expect(text).toContain("WHARF_KEY=$(cat .wharf/admin-key)");
  expect(text).toContain("http://localhost:4318/api/sessions/SESSION/transcript/upload?");
  expect(text).toContain("http://localhost:4318/api/sessions/SESSION/transcript?density=story");
  expect(text).not.toContain("<script");
});

for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
  test(`the first page shows what is stored to ${address}`, async () => {
    await send(server, [anEvent(), anEvent({ session_id: "s" })]);
    await createSender(server).append('{"type":"user"}\n', { session: "s" });
    const { text } = await open(address);
    expect(text).toContain('<th scope="row">events</th><td>2</td>');
    expect(text).toContain('<th scope="row">sessions</th><td>1</td>');
    expect(text).toContain('<th scope="row">transcript files</th><td>1</td>');
  });
}

test("the first page shows no counts to other machines, nor through a proxy", async () => {
  expect((await open("192.0.2.1")).text).not.toContain("<h2>Stored</h2>");
  expect((await open(null)).text).not.toContain("<h2>Stored</h2>");
  expect((await open("127.0.0.1", { "x-forwarded-for": "192.0.2.1" })).text).not.toContain("<h2>Stored</h2>");
});

for (const host of ["127.0.0.1:4318", "[::1]:4318", "localhost"]) {
  test(`the first page shows counts under the name ${host}`, async () => {
    expect((await open("127.0.0.1", {}, `http://${host}/`)).text).toContain("<h2>Stored</h2>");
  });
}

for (const host of ["rebound.example:4318", "localhost.rebound.example", "127.0.0.1.nip.io", "192.0.2.7"]) {
  test(`the first page shows no counts under the name ${host}`, async () => {
    const { text } = await open("127.0.0.1", {}, `http://${host}/`);
    expect(text).not.toContain("<h2>Stored</h2>");
    expect(text).toContain(`http://${host}/api/events`);
  });
}

for (const host of ["a$(id).example", "a;b", "a'b", "a&b", "a_b!"]) {
  test(`the commands of the first page do not hold the name ${host}`, async () => {
    const { text } = await open("192.0.2.1", {}, `http://${host}:4318/`);
    expect(text).toContain("curl -sS http://localhost:4318/api/events");
    expect(text).not.toContain("http://a");
  });
}

test("the first page says that the database is unavailable, and that a start waits for it", async () => {
  const { access, pools } = server.current();
  const health = {
    check: () => Promise.resolve({ ok: false, latency_ms: 1 }),
    close: () => Promise.resolve(),
  };
  const page = async (phase: Phase) => {
    const app = new Hono<AppEnv>().use(requestVariables(access, { phase }));
    const response = await app
      .route("/", homeRoutes({ reads: pools.reads, health }))
      .request("http://localhost/");
    return await response.text();
  };
  const ready = await page("ready");
  expect(ready).toContain("· the database is unavailable<");
  expect(ready).not.toContain("ready<");
  expect(await page("starting")).toContain("· starting: waiting for the database<");
});

test("the first page is there while the server starts and while it stops", async () => {
  const { readiness } = server.current();
  for (const [phase, words] of [
    ["starting", "migrations are being applied"],
    ["draining", "shutting down"],
  ] as const) {
    readiness.set(phase);
    expect((await open("127.0.0.1")).text).toContain(words);
  }
  readiness.set("ready");
});

test("markup in the address does not reach the page", async () => {
  const { app } = server.current();
  const request = new Request("http://localhost/?<script>alert(1)</script>");
  const text = await (await app.fetch(request, { requestIP: () => null })).text();
  expect(text).not.toContain("<script");
});
