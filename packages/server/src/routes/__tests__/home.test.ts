import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { PAGE_POLICY } from "../../http/page.ts";
import { anEvent, send } from "../../ingest/__tests__/event-factory.ts";

const server = setupApp();

async function open(address: string | null, headers: Record<string, string> = {}) {
  const requestIP = () => (address === null ? null : { address });
  const response = await server
    .current()
    .app.fetch(new Request("http://localhost:4318/", { headers }), { requestIP });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test("the first page shows the state, how a device joins, and links, without a key or a script", async () => {
  const { status, headers, text } = await open("127.0.0.1");
  expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
  expect(headers.get("content-security-policy")).toBe(PAGE_POLICY);
  expect(text).toContain("· ready");
  expect(text).toContain("http://localhost:4318/api/devices/enrolment-codes");
  expect(text).toContain('href="/docs"');
  expect(text).not.toContain("<script");
});

for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
  test(`the first page shows what is stored to ${address}`, async () => {
    await send(server, [anEvent(), anEvent({ session_id: "s" })]);
    const { text } = await open(address);
    expect(text).toContain('<th scope="row">events</th><td>2</td>');
    expect(text).toContain('<th scope="row">sessions</th><td>1</td>');
  });
}

test("the first page shows no counts to other machines, nor through a proxy", async () => {
  expect((await open("192.0.2.1")).text).not.toContain("<h2>Stored</h2>");
  expect((await open(null)).text).not.toContain("<h2>Stored</h2>");
  expect((await open("127.0.0.1", { "x-forwarded-for": "192.0.2.1" })).text).not.toContain("<h2>Stored</h2>");
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
