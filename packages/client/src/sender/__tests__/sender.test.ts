import { afterEach, describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRedactor } from "@wharf/redaction";
import { until } from "@wharf/testkit";
import { type Fault, problem, setupFaultyHub } from "../../__tests__/faulty-hub.ts";
import { useMachine } from "../../__tests__/machine.ts";
import { openInstalled } from "../../hooks/installed.ts";
import { HubError } from "../../sdk/hub-error.ts";
import { statIfThere } from "../../spool/files.ts";
import { fillOutbox } from "../../spool/fill-outbox.ts";
import { listRejected } from "../../spool/rejected.ts";
import { openFileStates } from "../../transcripts/file-state.ts";
import { createTails } from "../../transcripts/tails.ts";
import { createBackoff } from "../backoff.ts";
import { createBatchWaits } from "../batch-waits.ts";
import { reportWhenDue } from "../report-facts.ts";
import { runSender } from "../run-sender.ts";
import { listOutbox, sendOutbox } from "../send-outbox.ts";
import { readSenderState } from "../sender-state.ts";
import { takeLock } from "../take-lock.ts";

const hub = setupFaultyHub();
const machine = useMachine();
const running: { stop: AbortController; done: Promise<unknown> }[] = [];
const SHORT_MS = 300;
const START_MS = Date.UTC(2026, 2, 14, 10);

afterEach(async () => {
  for (const { stop, done } of running.splice(0)) {
    stop.abort();
    await done;
  }
  const { spool, outbox, rejected, transcripts } = machine.paths;
  for (const directory of [outbox, rejected, transcripts])
    await rm(directory, { recursive: true, force: true });
  for (const name of await readdir(spool)) await rm(join(spool, name));
});

let hooks = 0;
/** A spool file as a hook leaves it. */
async function spool(input: string, time_ms = START_MS + hooks): Promise<void> {
  hooks += 1;
  const name = `claude-code.${hooks}`;
  const path = join(machine.paths.spool, `.${name}`);
  await writeFile(path, `wharf=1\0pwd=/nowhere\0\0${input}`);
  await utimes(path, time_ms / 1000, time_ms / 1000);
  await rename(path, join(machine.paths.spool, name));
}

const prompt = (n: number, session_id = "s-1") =>
  JSON.stringify({ hook_event_name: "UserPromptSubmit", session_id, cwd: "/nowhere", prompt: `prompt ${n}` });

async function spoolPrompts(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await spool(prompt(n));
}

function fill() {
  return fillOutbox({ ...machine.dependencies(), paths: machine.paths });
}

function options() {
  const client = hub.client();
  return {
    ...machine.dependencies(),
    paths: machine.paths,
    events: client.events,
    createTails: (onChange: () => void) =>
      createTails({
        transcripts: client.transcripts,
        states: openFileStates(machine.paths.transcripts, hub.url),
        redactor: createRedactor({ mark: (rule) => `[REDACTED:${rule}:00000000]` }),
        device_id: "laptop",
        findPlace: machine.dependencies().findPlace,
        onChange,
      }),
    lookMs: 20,
  };
}

function start(changes: Partial<Parameters<typeof runSender>[0]> = {}) {
  const stop = new AbortController();
  const done = runSender({ ...options(), signal: stop.signal, ...changes });
  running.push({ stop, done });
  return done;
}

async function storedPrompts(): Promise<string[]> {
  const rows = await hub.server.sql<
    { text: string }[]
  >`SELECT data ->> 'text' AS text FROM events ORDER BY id`;
  return rows.map(({ text }) => text);
}

const emptied = async () =>
  (await readdir(machine.paths.spool)).length + (await listOutbox(machine.paths.outbox)).length === 0;

describe("the outbox", () => {
  test("sends all events once, oldest first", async () => {
    await spool(prompt(2), START_MS + 2_000);
    await spool(prompt(1), START_MS + 1_000);
    expect(await fill()).toBe(2);
    expect(await sendOutbox({ paths: machine.paths, events: hub.client().events })).toEqual({
      accepted: 2,
      duplicates: 0,
      rejected: 0,
      problem: null,
    });
    expect(await storedPrompts()).toEqual(["prompt 1", "prompt 2"]);
    expect(await emptied()).toBe(true);
  });

  test("keeps the one line that is refused apart, and 6,999 are stored", async () => {
    const { outbox } = machine.paths;
    await mkdir(outbox, { recursive: true });
    const id = (n: number) => `01JP9Z8Q6V8T3M2K1H${String(n).padStart(8, "0")}`;
    const line = (n: number) =>
      JSON.stringify({
        id: id(n),
        type: "agent.prompt",
        timestamp: n === 3_456 ? "yesterday" : "2026-03-14T10:00:00Z",
        device_id: "laptop",
        workspace_id: "_unassociated",
        session_id: "s-1",
        data: { text: `${n}` },
      });
    for (let batch = 0; batch < 7; batch++) {
      const lines = Array.from({ length: 1_000 }, (_, n) => line(batch * 1_000 + n));
      await writeFile(join(outbox, `${id(batch * 1_000)}.x.ndjson`), lines.join("\n"));
    }
    const sent = await sendOutbox({ paths: machine.paths, events: hub.client().events });
    expect(sent).toEqual({ accepted: 6_999, duplicates: 0, rejected: 1, problem: null });
    const [rejected, ...others] = await listRejected(machine.paths.rejected);
    expect(others).toEqual([]);
    expect(rejected).toMatchObject({
      name: id(3_456),
      reason: expect.stringContaining("ISO-8601"),
      event: { data: { text: "3456" } },
    });
    expect(await listOutbox(outbox)).toEqual([]);
  });

  test("finds the event that is too large by halving, and sends the others", async () => {
    await spoolPrompts(9);
    await fill();
    const { events } = hub.client();
    const isLarge = (ndjson: Uint8Array) => new TextDecoder().decode(ndjson).includes('"prompt 6"');
    const sendLines: typeof events.sendLines = (ndjson) => {
      hub.state.fault = () => (isLarge(ndjson) ? problem(413) : null);
      return events.sendLines(ndjson);
    };
    expect(await sendOutbox({ paths: machine.paths, events: { sendLines } })).toEqual({
      accepted: 8,
      duplicates: 0,
      rejected: 1,
      problem: null,
    });
    expect((await listRejected(machine.paths.rejected)).map(({ reason }) => reason)).toEqual([
      "The test wants it.",
    ]);
  });

  test.each([
    ["401", () => problem(401)],
    ["403", () => problem(403)],
    ["429", () => problem(429, { "retry-after": "1" })],
    ["503", () => problem(503)],
    ["a page of a proxy", () => new Response("<html>", { status: 200 })],
    ["a lost request", () => "request lost" as const],
    ["a lost response", () => "response lost" as const],
    ["a response that comes too late", () => "too late" as const],
  ] satisfies [string, () => Fault][])(
    "keeps everything after %s, and each event is stored once",
    async (_, fault) => {
      await spoolPrompts(3);
      await fill();
      const sending = { paths: machine.paths, events: hub.client().events };
      hub.state.fault = fault;
      const { events } = fault() === "too late" ? hub.client({ timeoutMs: SHORT_MS }) : sending;
      await expect(sendOutbox({ ...sending, events })).rejects.toThrow();
      expect(await listOutbox(machine.paths.outbox)).toHaveLength(1);
      hub.state.fault = () => null;
      const { accepted, duplicates } = await sendOutbox(sending);
      expect(accepted + duplicates).toBe(3);
      expect(await storedPrompts()).toEqual(["prompt 0", "prompt 1", "prompt 2"]);
      expect(await listRejected(machine.paths.rejected)).toEqual([]);
    },
  );

  test("sends the others, in halves, when the hub fails for one event each time", async () => {
    await spoolPrompts(9);
    await fill();
    let now = START_MS;
    const { events } = hub.client();
    const isPoison = (ndjson: Uint8Array) => new TextDecoder().decode(ndjson).includes('"prompt 6"');
    const sendLines: typeof events.sendLines = (ndjson) => {
      hub.state.fault = () => (isPoison(ndjson) ? problem(500) : null);
      return events.sendLines(ndjson);
    };
    const waits = createBatchWaits({ now: () => now });
    const attempt = () => sendOutbox({ paths: machine.paths, events: { sendLines }, waits });
    for (let n = 0; n < 2; n++) {
      expect((await attempt()).problem?.status).toBe(500);
      expect(await listOutbox(machine.paths.outbox)).toHaveLength(1);
      now += 60_000;
    }
    for (let n = 0; n < 5; n++, now += 60_000) await attempt();
    const [left = "", ...others] = await listOutbox(machine.paths.outbox);
    expect(others).toEqual([]);
    expect(await readFile(join(machine.paths.outbox, left), "utf8")).toContain('"prompt 6"');
    expect((await storedPrompts()).length).toBe(8);
    expect(await listRejected(machine.paths.rejected)).toEqual([]);

    await spool(prompt(10));
    await fill();
    now -= 60_000;
    const requests = hub.state.requests.length;
    expect(await attempt()).toMatchObject({ accepted: 1, problem: { status: 500 } });
    expect(hub.state.requests.length - requests).toBe(1);
    hub.state.fault = () => null;
    now += 60_000;
    expect(await sendOutbox({ paths: machine.paths, events, waits })).toMatchObject({
      accepted: 1,
      problem: null,
    });
  });

  test("asks no more than three times in a row when the hub fails for all", async () => {
    for (let n = 0; n < 5; n++) {
      await spool(prompt(n));
      await fill();
    }
    hub.state.fault = () => problem(502);
    await expect(sendOutbox({ paths: machine.paths, events: hub.client().events })).rejects.toThrow();
    expect(hub.state.requests).toHaveLength(3);
    expect(await listOutbox(machine.paths.outbox)).toHaveLength(5);
  });

  test("keeps the time of a clock that is more than a day off, which the hub notes when it is ahead", async () => {
    const off_ms = 30 * 3_600_000;
    const times = [Date.now() - off_ms, Date.now() + off_ms].map((ms) => new Date(ms).toISOString());
    for (const time of times) await spool(prompt(1), Date.parse(time));
    await fill();
    const sent = await sendOutbox({ paths: machine.paths, events: hub.client().events });
    expect(sent).toMatchObject({ accepted: 2, rejected: 0 });
    const { sql } = hub.server;
    const stored = await sql<{ timestamp: Date }[]>`SELECT timestamp FROM events ORDER BY timestamp`;
    expect(stored.map(({ timestamp }) => timestamp.toISOString())).toEqual(times);
    const notes = await sql`
      SELECT events.timestamp, kind FROM ingest_notes JOIN events ON events.id = ingest_notes.event_id`;
    expect(notes).toMatchObject([{ timestamp: new Date(times[1] ?? ""), kind: "clock_ahead" }]);
  });

  test("becomes the same events after a crash between writing the batch and removing the hook files", async () => {
    await spoolPrompts(3);
    const { spool: directory } = machine.paths;
    const files = await Promise.all(
      (await readdir(directory)).map(async (name) => {
        const path = join(directory, name);
        return { path, bytes: await readFile(path), time: (await stat(path)).mtime };
      }),
    );
    await fill();
    for (const { path, bytes, time } of files) {
      await writeFile(path, bytes);
      await utimes(path, time, time);
    }
    await fill();
    expect(await listOutbox(machine.paths.outbox)).toHaveLength(2);
    expect(await sendOutbox({ paths: machine.paths, events: hub.client().events })).toEqual({
      accepted: 3,
      duplicates: 3,
      rejected: 0,
      problem: null,
    });
  });

  test("keeps hook files apart that can become no event", async () => {
    await spool("{broken");
    await spool(prompt(1));
    await writeFile(join(machine.paths.spool, "claude-code.torn"), "wharf=1");
    await writeFile(join(machine.paths.spool, ".claude-code.ended"), "wharf=1\0");
    await utimes(join(machine.paths.spool, ".claude-code.ended"), 1, 1);
    await fill();
    const reasons = (await listRejected(machine.paths.rejected)).map(({ reason }) => reason);
    expect(reasons.sort()).toEqual([
      "the file does not have the form of a hook's spool file",
      "the hook was ended before it had written its input",
      "the hook's input is not JSON",
    ]);
    expect(await readdir(machine.paths.spool)).toEqual([]);
    expect((await sendOutbox({ paths: machine.paths, events: hub.client().events })).accepted).toBe(1);
  });
});

test("a wait ends after ten minutes when the hub asks for more, and when the clock is set back", () => {
  let now = START_MS;
  const backoff = createBackoff({ now: () => now });
  const busy = { message: "Busy.", code: "BUSY", status: 503 };
  backoff.failed(new HubError({ ...busy, retryAfterMs: 1e12 }));
  now += 599_999;
  expect(backoff.waitMs()).toBe(1);
  now += 1;
  expect(backoff.waitMs()).toBe(0);
  backoff.failed(new HubError({ ...busy, retryAfterMs: 7_000 }));
  expect(backoff.waitMs()).toBe(7_000);
  now -= 86_400_000;
  expect(backoff.waitMs()).toBe(0);
});

test("a failure is waited for from the millisecond on in which it came", () => {
  for (let nth = 0; nth < 1_000; nth++) {
    const backoff = createBackoff({ now: () => START_MS, random: () => nth / 1_009 });
    backoff.failed(new HubError({ message: "Busy.", code: "BUSY", status: 503 }));
    expect(backoff.waitMs()).toBeGreaterThan(0);
  }
});

describe("the sender", () => {
  test("sends what hooks leave while it runs, and ends when nothing changes", async () => {
    const done = start({ quietMs: 300 });
    await until(
      async () => (await readFile(machine.paths.pid, "utf8").catch(() => "")) === `${process.pid}\n`,
    );
    await spoolPrompts(2);
    await until(async () => (await storedPrompts()).length === 2);
    expect(await done).toBe("done");
    expect(await readFile(machine.paths.pid, "utf8").catch(() => "none")).toBe("none");
    expect((await readSenderState(machine.paths.state)).problem).toBeNull();
  });

  test("states its problem while the hub is unavailable, and sends all when it is accepted", async () => {
    hub.state.fault = () => problem(503, { "retry-after": "0" });
    await spoolPrompts(2);
    void start();
    await until(async () => (await readSenderState(machine.paths.state)).problem?.status === 503);
    expect(await listOutbox(machine.paths.outbox)).toHaveLength(1);
    hub.state.fault = () => null;
    await until(async () => (await storedPrompts()).length === 2);
    await until(emptied);
  });

  test("sends all that waits after the hub was restarted", async () => {
    void start();
    await spoolPrompts(1);
    await until(async () => (await storedPrompts()).length === 1);
    const restart = hub.stop();
    await spoolPrompts(2);
    await until(async () => (await readSenderState(machine.paths.state)).problem?.status === null);
    restart();
    await until(async () => (await storedPrompts()).length === 3);
    await until(async () => (await readSenderState(machine.paths.state)).problem === null);
    await until(emptied);
  });

  test("states that files cannot be written, and sends all when they can", async () => {
    await writeFile(machine.paths.outbox, "in the place of the directory");
    await spoolPrompts(2);
    void start();
    await until(async () => (await readSenderState(machine.paths.state)).problem !== null);
    expect((await readSenderState(machine.paths.state)).problem?.message).toContain("cannot be used");
    await rm(machine.paths.outbox);
    await until(async () => (await storedPrompts()).length === 2);
    await until(emptied);
  });

  test("has hooks refused while the spool is full, and deletes nothing that waits", async () => {
    hub.state.fault = () => problem(503, { "retry-after": "0" });
    await spoolPrompts(2);
    void start({ spoolBytesMax: 100 });
    await until(async () => (await statIfThere(machine.paths.full)) !== null);
    await machine.runHook("claude-code.sh", prompt(3));
    expect((await statIfThere(machine.paths.refused))?.size).toBe(1);
    hub.state.fault = () => null;
    await until(async () => (await statIfThere(machine.paths.full)) === null);
    await machine.runHook("claude-code.sh", prompt(4));
    await until(async () => (await storedPrompts()).length === 3);
    expect((await storedPrompts()).sort()).toEqual(["prompt 0", "prompt 1", "prompt 4"]);
  });

  test("runs once per machine, also after one that was killed", async () => {
    await writeFile(machine.paths.socket, "");
    void start();
    await until(async () => (await readFile(machine.paths.pid, "utf8").catch(() => "")) !== "");
    expect(await start()).toBe("other");
  });

  test("leaves to the later one of two that found the same dead sender", async () => {
    const path = join(machine.home, "both.sock");
    const first = await takeLock(path);
    expect(await takeLock(path)).toBeNull();
    await rm(path);
    const second = await takeLock(path);
    expect(await first?.isHeld()).toBe(false);
    await first?.release();
    expect(await second?.isHeld()).toBe(true);
    await second?.release();
    const third = await takeLock(path);
    expect(third).not.toBeNull();
    await third?.release();
  });

  test("has a lock in a home with a long path", async () => {
    const path = join(machine.home, "x".repeat(120), "sender.sock");
    const lock = await takeLock(path);
    expect(await takeLock(path)).toBeNull();
    await lock?.release();
  });

  test("sends each event once when two run at the same time", async () => {
    void start();
    await until(async () => (await readFile(machine.paths.pid, "utf8").catch(() => "")) !== "");
    await spoolPrompts(20);
    const sending = { paths: machine.paths, events: hub.client().events };
    await Promise.all([fill().then(() => sendOutbox(sending)), fill().then(() => sendOutbox(sending))]);
    await until(emptied);
    await until(async () => (await storedPrompts()).length === 20);
    expect(new Set(await storedPrompts()).size).toBe(20);
  });
});

describe("the report of this machine", () => {
  test("is sent once an hour, and names the hook's time and the transcripts that are there", async () => {
    await spoolPrompts(1);
    await fill();
    await sendOutbox({ paths: machine.paths, events: hub.client().events });
    const projects = join(machine.home, ".claude/projects/-p");
    await mkdir(projects, { recursive: true });
    for (const name of ["a.jsonl", "b.jsonl"]) {
      await writeFile(join(projects, name), "0123456789");
      await utimes(join(projects, name), START_MS / 1000, START_MS / 1000);
    }
    await openInstalled(machine.paths).noteRepository("/repository", true);
    let now = Date.now();
    const folders = [
      { agent: "claude-code", folders: [join(machine.home, ".claude/projects")] },
      { agent: "codex", folders: [join(machine.home, ".codex/sessions")] },
    ];
    const { devices } = hub.client();
    const facts = { paths: machine.paths, device_id: "laptop", client_version: "0.1.0", folders, devices };
    const report = () => reportWhenDue({ ...facts, now: () => now });
    expect(await report()).toBe(true);
    expect(await report()).toBe(false);
    const { device } = await devices.get("laptop");
    expect(device.report).toMatchObject({
      client_version: "0.1.0",
      hooks: [{ name: "claude-code", runs: 50 }],
      agents: [{ agent: "claude-code", files: 2, bytes: 20, next_deletion_at: "2026-04-13T10:00:00.000Z" }],
    });
    const [hook] = device.report?.hooks ?? [];
    expect(hook?.median_ms).toBeGreaterThan(0);
    expect(hook?.p99_ms).toBeGreaterThanOrEqual(hook?.median_ms ?? 0);
    hub.state.fault = (path) => (path === "/api/devices/facts" ? problem(404) : null);
    now += 3_700_000;
    await expect(report()).rejects.toThrow();
    expect(await report()).toBe(false);
  });
});
