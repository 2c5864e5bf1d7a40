import { expect, test } from "bun:test";
import { join } from "node:path";
import { setupApp } from "../../../server/src/__tests__/setup-app.ts";
import { createClient, HubError, heldOf } from "../index.ts";

const server = setupApp();
const HASH_OF_NOTHING = "00".repeat(32);
const COMMIT = "0123456789abcdef0123456789abcdef01234567";

function client(key: string | null = server.key) {
  const send = async (...[url, init]: Parameters<typeof fetch>) => server.current().app.request(url, init);
  return createClient({ url: "http://hub.test/", key, fetch: Object.assign(send, fetch) });
}

function commitEvent(id: number, data: Record<string, unknown> = {}) {
  return {
    id: `01KZZZZZZZ${String(id).padStart(16, "0")}`,
    type: "git.commit",
    timestamp: "2026-11-22T10:00:00Z",
    device_id: "laptop",
    workspace_id: "github.com/acme/site",
    data: {
      hash: COMMIT,
      message: "Greet the visitor",
      author_name: "Ada",
      branch: "main",
      files_changed: 1,
      insertions: 1,
      deletions: 0,
      ...data,
    },
  };
}

async function failure(work: Promise<unknown>): Promise<HubError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof HubError) return error;
  throw new Error(`expected a HubError, got ${error}`);
}

test("events are sent in one batch, compressed when large, and rejected individually", async () => {
  const large = commitEvent(1, { message: "word ".repeat(1_000) });
  const results = await client().events.send([large, commitEvent(2), { ...commitEvent(3), type: "no type" }]);
  expect(results).toMatchObject({ ingested: 2, rejected: 1, errors: [{ index: 2, pointer: "/type" }] });
  const lines = new TextEncoder().encode(`${JSON.stringify(large)}\n${JSON.stringify(commitEvent(4))}\n`);
  expect(await client().events.sendLines(lines)).toMatchObject({ ingested: 1, duplicates: 1 });
  expect(await client().commits(COMMIT.slice(0, 8))).toHaveLength(3);
  expect((await client().timeline({ types: ["git_activity"] })).items).toHaveLength(1);
  const { workspaces } = client();
  expect((await workspaces.commits("github.com/acme/site", { limit: 2 })).has_more).toBe(true);
  const forever = { raw_days: null, parsed_days: null, events_days: null };
  expect(await workspaces.retention("site")).toEqual({ retention: forever, changes: [] });
  const days = { ...forever, raw_days: 90 };
  expect((await workspaces.putRetention("site", days, { isDryRun: true })).deletes?.segments).toBe(0);
  expect((await workspaces.retention("site")).retention).toEqual(forever);
  expect(await workspaces.putRetention("site", days)).toMatchObject({ retention: days, changes: [days] });
  expect(await workspaces.redaction("site")).toMatchObject({ redaction: "on", changes: [] });
  expect(await workspaces.switchRedaction("site", "off")).toMatchObject({ redaction: "off", changes: [{}] });
  const { job_id } = await workspaces.redactHeld("site", { isDryRun: true });
  expect(await client().jobs.get(job_id)).toMatchObject({ type: "redact-held" });
});

test("sessions are reported, listed over pages, edited and deleted", async () => {
  const hub = client();
  for (const id of ["one", "two", "three"]) {
    const started_at = `2026-11-22T10:00:0${id.length}Z`;
    await hub.sessions.report({ id, workspace_id: "github.com/acme/site", device_id: "laptop", started_at });
  }
  const ids: string[] = [];
  for await (const { id } of hub.sessions.every({ limit: 2 })) ids.push(id);
  expect(ids.toSorted()).toEqual(["one", "three", "two"]);
  expect((await hub.sessions.edit("one", { add_tags: ["release"] })).tags).toEqual(["release"]);
  expect((await hub.sessions.list({ tag: "release" })).sessions.map(({ id }) => id)).toEqual(["one"]);
  expect((await hub.sessions.status(["one", "none"])).not_found).toEqual(["none"]);
  expect(await hub.sessions.delete("one")).toBeNull();
  expect(await failure(hub.sessions.get("one"))).toMatchObject({ status: 404, code: "NOT_FOUND" });
  expect((await hub.workspaces.get("site")).workspace.canonical_id).toBe("github.com/acme/site");
  expect((await hub.devices.list()).devices.map(({ id }) => id)).toEqual(["laptop"]);
});

test("transcripts are appended by offset, and a conflict names what is held", async () => {
  const hub = client();
  const place = { session_id: "s/1", agent: "claude-code", device_id: "laptop", file: "main.jsonl" };
  const bytes = new TextEncoder().encode(
    `${JSON.stringify({ type: "user", uuid: "u", text: "x".repeat(2_000) })}\n`,
  );
  const first = await hub.transcripts.append({
    ...place,
    offset: 0,
    bytes,
    source: { offsetHash: HASH_OF_NOTHING },
  });
  expect(first).toMatchObject({ status: "appended", generation: 1, source_bytes: bytes.length });
  const conflict = await failure(
    hub.transcripts.append({
      ...place,
      offset: bytes.length,
      bytes,
      source: { offsetHash: "11".repeat(32) },
    }),
  );
  expect(heldOf(conflict)).toMatchObject({ generation: 1, source_bytes: bytes.length });
  expect(heldOf(new Error("another"))).toBeNull();
  expect(await hub.transcripts.files("s/1")).toMatchObject([{ file: "main.jsonl", lines: 1 }]);
  expect(await (await hub.transcripts.raw("s/1", { file: "main.jsonl" })).bytes()).toEqual(bytes);
  const { s3_key } = await hub.transcripts.upload({ session_id: "s/1", subagent_id: "a1", body: bytes });
  expect(s3_key).toBe("transcripts/s/1/subagents/agent-a1.jsonl");
});

test("errors carry code, status and the time to wait, and never a key", async () => {
  const refused = await failure(client(null).sessions.list());
  expect(refused).toMatchObject({
    status: 401,
    code: "AUTH_REQUIRED",
    isUnreachable: false,
    retryAfterMs: null,
  });
  const invalid = await failure(client().sessions.list({ after: "yesterday" }));
  expect(invalid).toMatchObject({ status: 400, code: "VALIDATION_FAILED" });
  expect(invalid.message).toContain("after");

  const answer = (response: () => Response) =>
    failure(
      createClient({
        url: "http://hub.test",
        key: "secret",
        fetch: Object.assign(async () => response(), fetch),
      }).limits(),
    );
  const busy = () =>
    new Response('{"code":"BUSY","detail":"Busy."}', { status: 429, headers: { "retry-after": "7" } });
  expect(await answer(busy)).toMatchObject({ status: 429, code: "BUSY", retryAfterMs: 7_000 });
  expect(await answer(() => new Response("<h1>Bad gateway</h1>", { status: 502 }))).toMatchObject({
    isUnreachable: true,
  });
  const endless = new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(1024 * 1024)) });
  for (const body of ["<h1>Hello</h1>", "null", "1", endless])
    expect((await answer(() => new Response(body))).message).toContain("is not a Wharf hub");
});

test("events count as sent only by a response with their results", async () => {
  for (const body of [null, {}, { results: null }, { results: [null] }, { results: [], errors: {} }]) {
    const answer = Object.assign(async () => Response.json(body), fetch);
    const { events } = createClient({ url: "http://hub.test", key: "secret", fetch: answer });
    expect(await failure(events.send([]))).toMatchObject({ code: "UNEXPECTED_RESPONSE" });
  }
});

test("a redirect is not followed: another host gets nothing, and its address is named", async () => {
  let requests = 0;
  using other = Bun.serve({
    port: 0,
    fetch: () => {
      requests += 1;
      return Response.json({ results: [{ index: 0, status: "accepted" }] });
    },
  });
  for (const status of [301, 302, 303, 307, 308]) {
    using redirecting = Bun.serve({
      port: 0,
      fetch: () => Response.redirect(`http://localhost:${other.port}/api/events`, status),
    });
    const redirected = createClient({ url: `http://127.0.0.1:${redirecting.port}`, key: "secret" });
    const refused = await failure(redirected.events.sendLines(new TextEncoder().encode("{}\n")));
    expect(refused).toMatchObject({ status, code: "UNEXPECTED_RESPONSE" });
    expect(refused.message).toContain(`redirects to http://localhost:${other.port}.`);
  }
  expect(requests).toBe(0);
});

/** Once: the rest of the body never comes. */
function sendSpace(body: ReadableStreamDefaultController): Promise<void> {
  body.enqueue(new TextEncoder().encode(" "));
  return new Promise(() => undefined);
}

test("an address without a server is unreachable, and a silent one times out", async () => {
  const closed = Bun.serve({ port: 0, fetch: () => new Response() });
  const url = `http://127.0.0.1:${closed.port}`;
  await closed.stop(true);
  expect(await failure(createClient({ url, key: null }).health())).toMatchObject({
    code: "HUB_UNREACHABLE",
    status: null,
    isUnreachable: true,
  });
  using silent = Bun.serve({ port: 0, fetch: () => new Promise<Response>(() => undefined) });
  const waiting = createClient({ url: `http://127.0.0.1:${silent.port}`, key: null, timeoutMs: 20 });
  expect(await failure(waiting.health())).toMatchObject({ code: "HUB_TIMED_OUT", isUnreachable: true });
  using slow = Bun.serve({ port: 0, fetch: () => new Response(new ReadableStream({ pull: sendSpace })) });
  const reading = createClient({ url: `http://127.0.0.1:${slow.port}`, key: null, timeoutMs: 50 });
  expect(await failure(reading.health())).toMatchObject({ code: "HUB_TIMED_OUT", isUnreachable: true });
});

test("live changes continue after each interruption without a gap, and end with the loop, the signal or the key", async () => {
  const requests: (string | null)[] = [];
  const report = (id: string) =>
    client().sessions.report({
      id,
      workspace_id: "github.com/acme/site",
      device_id: "laptop",
      started_at: "2026-11-22T10:00:00Z",
    });
  const send = async (...[url, init]: Parameters<typeof fetch>) => {
    requests.push(new Headers(init?.headers).get("last-event-id"));
    // The second connection is refused for a moment.
    if (requests.length === 2) return new Response("", { status: 503, headers: { "retry-after": "0" } });
    const response = await server.current().app.request(url, init);
    return requests.length > 1 ? response : cutAfter(response, '"kind":"session"');
  };
  const hub = createClient({ url: "http://hub.test", key: server.key, fetch: Object.assign(send, fetch) });
  const seen: string[] = [];
  const wanted = ["one", "two", "three"];
  for await (const update of hub.live({ kinds: ["session"] })) {
    seen.push(...("ids" in update ? update.ids : [update.kind]));
    if (seen.at(-1) === wanted[0]) wanted.shift();
    const [next] = wanted;
    if (next === undefined) break;
    if (update.kind === "begin" || seen.at(-1) !== next) await report(next);
  }
  expect([...new Set(seen)]).toEqual(["begin", "one", "two", "three"]);
  expect(requests).toEqual([null, expect.stringMatching(/^\d+-\d+$/), requests[1] ?? ""]);

  const stop = new AbortController();
  for await (const update of client().live({ signal: stop.signal }))
    if (update.kind === "begin") stop.abort();
  const refused = client("wharf_read_unknown").live();
  expect(await failure(refused.next())).toMatchObject({ status: 401 });
});

test("a certificate that is not accepted is named with what to do", async () => {
  const certificates = join(import.meta.dir, "../../../job-runner/src/connection/__tests__/certificates");
  const [cert, key, ca] = ["server.crt", "server.key", "authority.crt"].map((name) =>
    Bun.file(join(certificates, name)),
  );
  await using hub = Bun.serve({ port: 0, tls: { cert, key }, fetch: () => Response.json({}) });
  const trusting: typeof fetch = Object.assign(
    (...[url, init]: Parameters<typeof fetch>) => fetch(url, { ...init, tls: { ca } }),
    fetch,
  );
  const connect = (host: string, send: typeof fetch) =>
    failure(createClient({ url: `https://${host}:${hub.port}`, key: null, fetch: send }).clientVersion());
  expect((await connect("localhost", fetch)).message).toMatch(/authority.+Set NODE_EXTRA_CA_CERTS to/);
  expect((await connect("127.0.0.1", trusting)).message).toContain("for another name. Use the address that");
});

/** The response, whose connection is lost after the chunk with this text. */
function cutAfter(response: Response, text: string): Response {
  const decoder = new TextDecoder();
  let isLast = false;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (isLast) return controller.error(new Error("connection lost"));
      isLast = decoder.decode(chunk).includes(text);
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body?.pipeThrough(cut), response);
}
