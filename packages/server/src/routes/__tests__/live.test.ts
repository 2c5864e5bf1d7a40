import { describe, expect, test } from "bun:test";
import type { LiveMessage } from "@wharf/protocol";
import { until } from "@wharf/testkit";
import { event, ingest, sessionStart } from "../../__tests__/events.ts";
import { ADMIN_KEY, startServerProgram } from "../../__tests__/server-program.ts";
import { openApp, setupApp } from "../../__tests__/setup-app.ts";
import type { Server } from "../../compose.ts";
import { createDeleteInPieces } from "../../db/delete-in-pieces.ts";
import { prune } from "../../db/edits/retention.ts";
import { serve } from "../../http/serve.ts";
import { closeLiveStreams, type Followed, follow } from "./follow-live.ts";

const WAITING_MAX = 256 * 1024;
let nowMs = 0;
const time = { live: { beatMs: 20, waitingMax: WAITING_MAX }, monotonicMs: () => nowMs };
const server = setupApp({ time, limits: { live_streams: 3 } });
closeLiveStreams();

type Asked = { id?: string; key?: string; of?: Server };

async function request(
  query = "",
  { id, key = server.key, of = server.current() }: Asked = {},
): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, ...(id === undefined ? {} : { "last-event-id": id }) };
  return await of.app.request(`/api/live${query}`, { headers });
}

/** A stream that has begun. */
async function live(query = "", asked: Asked = {}): Promise<Followed> {
  const stream = follow(await request(query, asked), asked.id);
  await stream.begun();
  return stream;
}

const metrics = async (): Promise<string> => (await server.request("GET", "/metrics")).body;
const kindsOf = (messages: readonly LiveMessage[]) => new Set(messages.map(({ kind }) => kind));
const idsOf = (messages: readonly LiveMessage[]) =>
  messages.flatMap((message) => ("ids" in message ? message.ids : []));
const note = (ids: readonly string[]) =>
  server.sql`INSERT INTO change_log (kind, session_ids) VALUES ('session', ${[...ids]})`;

describe("a live stream", () => {
  test("tells of events, sessions and devices, with their rows", async () => {
    const stream = await live();
    const start = sessionStart("one");
    await ingest(server, [start]);
    expect(await stream.find(({ kind }) => kind === "event")).toMatchObject({
      ids: [start.id],
      events: [{ id: start.id, type: "session.start", session_id: "one", device_id: "laptop" }],
    });
    const { body } = await server.request("GET", "/api/sessions");
    const told = await stream.find(
      (message) => message.kind === "session" && message.session?.lifecycle === "capturing",
    );
    expect(told).toMatchObject({ ids: ["one"], session: { id: "one", workspace_name: "site" } });
    expect(Object.keys(told.kind === "session" ? (told.session ?? {}) : {}).toSorted()).toEqual(
      Object.keys(body.sessions[0]).toSorted(),
    );
    expect(await stream.find(({ kind }) => kind === "device")).toMatchObject({
      devices: [{ id: "laptop", type: "local" }],
    });
  });

  test("tells of edits, of deletions and of the jobs that run", async () => {
    await ingest(server, [sessionStart("one")]);
    const stream = await live();
    await server.request("PATCH", "/api/sessions/one", { tags: ["seen"] });
    await stream.find((message) => message.kind === "session" && message.session?.tags[0] === "seen");
    await server.request("DELETE", "/api/sessions/one");
    await stream.find((message) => message.kind === "session" && message.session === null);

    const { id } = (await server.request("POST", "/api/jobs", { type: "prune", input: {} })).body.job;
    await server.current().jobs.runOne(id);
    const ended = await stream.find(
      (message) =>
        message.kind === "job" &&
        message.jobs?.some((job) => job.id === id && job.state === "completed") === true,
    );
    expect(ended).toMatchObject({ ids: [id], jobs: [{ type: "prune" }] });
  });

  test("tells of jobs that an operator enqueues, changes, cancels and retries, also all that match a filter", async () => {
    const stream = await live("?kinds=job");
    const post = (path: string, body: object = {}) => server.request("POST", `/api/jobs${path}`, body);
    const { id } = (await post("", { type: "prune", input: {}, delay_ms: 3_600_000 })).body.job;
    const toldAs = (state: string, priority: number) =>
      stream.find(
        (message) =>
          message.kind === "job" &&
          message.jobs?.some((job) => job.id === id && job.state === state && job.priority === priority) ===
            true,
      );
    await toldAs("scheduled", 0);
    await server.request("PATCH", `/api/jobs/${id}`, { priority: 5 });
    await toldAs("scheduled", 5);
    await post(`/${id}/cancel`);
    await toldAs("cancelled", 5);
    await post(`/${id}/retry`);
    await toldAs("ready", 5);

    const { messages } = stream;
    const unnamed = () =>
      messages.filter((message) => message.kind === "job" && message.ids.length === 0).length;
    expect(unnamed()).toBe(0);
    expect((await post("/cancel", { type: "prune" })).body.cancelled).toBe(1);
    await until(() => unnamed() === 1);
    expect((await post("/retry", { type: "prune", status: ["cancelled"] })).body.retried).toBe(1);
    await until(() => unnamed() === 2);
    expect((await post("/retry", { type: "prune" })).body.retried).toBe(0);
    await post(`/${id}/cancel`);
    await until(() => idsOf(messages.slice(-1))[0] === id);
    expect(unnamed()).toBe(2);
    // A pause concerns all jobs of its queue.
    await server.request("POST", "/api/queues/recurring/pause");
    await until(() => unnamed() === 3);
    await server.request("POST", "/api/queues/recurring/resume");
    await until(() => unnamed() === 4);
  });

  test("tells only what its filters want", async () => {
    await ingest(server, [
      sessionStart("one"),
      sessionStart("two", { device_id: "desk", workspace_id: "github.com/acme/api" }),
    ]);
    const sessions = await live("?session_id=two");
    const devices = await live("?device_id=desk&kinds=event,device");
    const workspaces = await live("?workspace_id=github.com/acme/api&kinds=session");
    const [first, second] = [event({ session_id: "one" }), event({ session_id: "two", device_id: "desk" })];
    await ingest(server, [first, second, event({ device_id: "other" })]);
    await server.request("PATCH", "/api/sessions/one", { tags: ["a"] });
    await server.request("PATCH", "/api/sessions/two", { tags: ["b"] });
    await workspaces.find((message) => message.kind === "session" && message.session?.tags[0] === "b");
    await sessions.find((message) => message.kind === "session" && message.session?.tags[0] === "b");
    await devices.find(({ kind }) => kind === "event");
    expect(new Set(idsOf(sessions.messages))).toEqual(new Set([second.id, "two"]));
    expect(idsOf(devices.messages)).toEqual([second.id]);
    expect(kindsOf(workspaces.messages)).toEqual(new Set(["session"]));
    expect(new Set(idsOf(workspaces.messages))).toEqual(new Set(["two"]));
  });

  test("holds a change back until the transactions before it have ended, and repeats none", async () => {
    await ingest(server, [sessionStart("early"), sessionStart("late")]);
    await server.projected();
    const stream = await live("?kinds=session");
    const before = await server.sql.reserve();
    await before`BEGIN`;
    await before`INSERT INTO change_log (kind, session_ids) VALUES ('session', '{early}')`;
    await note(["late"]);
    const replica = await openApp(server.url);
    const elsewhere = await live("?kinds=session", { id: stream.id, of: replica });
    expect([...stream.messages, ...elsewhere.messages]).toEqual([]);
    await before`COMMIT`;
    before.release();
    for (const one of [stream, elsewhere]) {
      await one.session("late");
      expect(idsOf(one.messages)).toEqual(["early", "late"]);
    }
    await elsewhere.close();
    await replica.drain();
  });

  test("resumes without a gap and without a repeat, on any server, while transactions commit in any order", async () => {
    const ids = Array.from({ length: 120 }, (_, n) => `s-${n}`);
    await ingest(
      server,
      ids.map((id) => sessionStart(id)),
    );
    await server.projected();
    const replica = await openApp(server.url);
    let stream = await live("?kinds=session");
    const told: string[] = [];
    const writing = Promise.all(
      ids.map(async (id, n) => {
        await server.sql.begin(async (sql) => {
          await sql`INSERT INTO change_log (kind, session_ids) VALUES ('session', ARRAY[${id}])`;
          await sql`SELECT pg_sleep(${((n * 7) % 11) / 1_000})`;
        });
      }),
    );
    for (let turn = 0; told.length < ids.length && turn < 40; turn++) {
      const count = told.length;
      await until(() => count + stream.messages.length >= Math.min(ids.length, count + 15));
      await stream.close();
      told.push(...idsOf(stream.messages));
      stream = await live("?kinds=session", {
        id: stream.id,
        of: turn % 2 === 0 ? replica : server.current(),
      });
    }
    await writing;
    expect(told.toSorted()).toEqual(ids.toSorted());
    await stream.close();
    await replica.drain();
  });

  test("is reset when what follows its id was pruned, and only then", async () => {
    await ingest(server, [sessionStart("one")]);
    const stream = await live("?kinds=session");
    await note(["one"]);
    await stream.session("one");
    await stream.close();
    await server.sql`UPDATE change_log SET created_at = now() - interval '25 hours'`;
    await note(["one"]);
    const resumed = await live("?kinds=session", { id: stream.id });
    await resumed.session("one");
    await resumed.close();

    await prune(createDeleteInPieces(server.current().pools.deferrable), "change_log");
    const outdated = await live("?kinds=session", { id: stream.id });
    expect(await outdated.find(({ kind }) => kind === "reset")).toMatchObject({ id: outdated.id, ids: [] });
    await note(["one"]);
    await outdated.session("one");
    const other = await live("", { id: "18446744073709551615-9223372036854775807" });
    await other.find(({ kind }) => kind === "reset");
  });

  test("is refused with an id that is none, and beyond the streams of a server", async () => {
    for (const id of ["x", "12", "1-2-3", "18446744073709551616-1", "-1-1"]) {
      const response = await request("", { id });
      expect([id, response.status]).toEqual([id, 400]);
      expect(await response.json()).toMatchObject({ code: "VALIDATION_FAILED" });
    }
    for (let n = 0; n < 3; n++) await live();
    const response = await request();
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await response.json()).toMatchObject({ code: "LIVE_STREAMS_TOO_MANY" });
    expect(await metrics()).toContain("\nwharf_live_streams 3\n");
  });

  test("ends soon after its key was revoked", async () => {
    const { body } = await server.request("POST", "/api/keys", { scope: "read", name: "viewer" });
    const stream = await live("", { key: body.key });
    expect(
      (await request("", { key: (await server.request("POST", "/api/keys", { scope: "ingest" })).body.key }))
        .status,
    ).toBe(403);
    const replica = await openApp(server.url);
    const headers = { authorization: `Bearer ${server.key}` };
    await replica.app.request(`/api/keys/${body.id}`, { method: "DELETE", headers });
    // Wrong keys from the address of a stream must not keep it open.
    for (let n = 0; n < 20; n++) await request("", { key: "letmein" });
    expect((await request("", { key: "letmein" })).status).toBe(429);
    nowMs += 6_000;
    // As many as became allowed again in this time.
    for (let n = 0; n < 3; n++) await request("", { key: "letmein" });
    expect(await stream.find(({ kind }) => kind === "end")).toEqual({ kind: "end", reason: "key" });
    await until(() => stream.isOver);
    await replica.drain();
  });

  test("of a client that does not read is dropped with the reason, and resumed by its id", async () => {
    const ids = Array.from({ length: 300 }, (_, n) => `s-${n}`);
    await ingest(
      server,
      ids.map((id) => sessionStart(id)),
    );
    await server.projected();
    await server.sql`UPDATE sessions SET initial_prompt = repeat('x', 10000)`;
    const first = await live("?kinds=session");
    await first.close();
    const response = await request("?kinds=session", { id: first.id });
    const noted: string[] = [];
    await until(async () => {
      const next = ids.slice(noted.length, noted.length + 10);
      await note(next);
      noted.push(...next);
      return (await metrics()).includes('wharf_live_streams_ended_total{reason="slow"} 1');
    });
    const stream = follow(response, first.id);
    expect(await stream.find(({ kind }) => kind === "end")).toEqual({ kind: "end", reason: "slow" });
    await until(() => stream.isOver);
    const rest = await live("?kinds=session", { id: stream.id });
    await rest.session(noted.at(-1) ?? "");
    expect([...idsOf(stream.messages), ...idsOf(rest.messages)]).toEqual(noted);
  });

  test("over a socket that is not read, holds no more than its bound", async () => {
    await ingest(server, [sessionStart("one")]);
    await server.projected();
    await server.sql`UPDATE sessions SET initial_prompt = repeat('x', 60000)`;
    const http = serve(server.current().app, { host: "127.0.0.1", port: 0 });
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: http.port,
      socket: { data: (it) => void it.pause() },
    });
    socket.write(
      `GET /api/live?kinds=session HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.key}\r\n\r\n`,
    );
    await until(async () => (await metrics()).includes("\nwharf_live_streams 1\n"));
    await until(async () => {
      await note(["one"]);
      return (await metrics()).includes("\nwharf_live_streams 0\n");
    });
    socket.end();
    await http.stop(0);
  });

  test("resumes while other clients that resumed read nothing: those are dropped", async () => {
    const first = await live("?kinds=session");
    await first.close();
    for (let n = 0; n < 150; n++) await note([`left-${n}`]);
    const stuck = [
      await request("?kinds=session", { id: first.id }),
      await request("?kinds=session", { id: first.id }),
    ];
    const stream = await live("?kinds=session", { id: first.id });
    await stream.find(
      ({ kind, ...change }) => kind === "session" && JSON.stringify(change).includes("left-149"),
    );
    for (const response of stuck)
      expect(await response.text()).toEndWith('{"kind":"end","reason":"slow"}\n\n');
  });
});

test("a change by one server process reaches the streams of another, until that one drains", async () => {
  await using writer = await startServerProgram(server.url);
  await using reader = await startServerProgram(server.url);
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const [writing, reading] = await Promise.all([writer.url(), reader.url()]);
  const stream = follow(await fetch(`${reading}/api/live?kinds=event,session`, { headers }));
  await stream.begun();
  for (let n = 0; n < 5; n++) {
    const sent = sessionStart(`s-${n}`);
    const body = JSON.stringify({ events: [sent] });
    const posted = await fetch(`${writing}/api/events`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body,
    });
    expect(posted.status).toBe(202);
    await stream.find((message) => message.kind === "event" && message.ids.includes(sent.id));
    await stream.session(`s-${n}`);
  }
  reader.program.kill("SIGTERM");
  expect(await stream.find(({ kind }) => kind === "end")).toEqual({ kind: "end", reason: "draining" });
  expect(await reader.program.exited).toBe(0);
  const refused = await fetch(`${writing}/api/live`, { headers: { ...headers, "last-event-id": stream.id } });
  expect(refused.status).toBe(200);
  await refused.body?.cancel();
}, 60_000);
