import { describe, expect, test } from "bun:test";
import { clearRows } from "@wharf/testkit";
import fc from "fast-check";
import { seededRandom, shuffle } from "../../__tests__/seeded-random.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { commit, end, minute, type SentEvent, send, start, toolUse } from "./event-factory.ts";

const server = setupApp();
const RUNS = 30;
/** Fewer minutes than events, so that several fall on one instant. */
const MINUTES = 12;

/** What events leave behind, but for clocks of the database and the order in which ids were given. */
async function state() {
  await server.projected();
  const sessions = await server.sql`
    SELECT s.id, w.canonical_id, s.device_id, s.lifecycle, s.started_at::text, s.start_reported_at::text, s.resumed_at::text,
      s.ended_at::text, s.end_reason, s.duration_ms, s.git_branch, s.model, s.source, s.initial_prompt, s.tags, s.metadata
    FROM sessions s JOIN workspaces w ON w.id = s.workspace_id ORDER BY s.id`;
  expect(await server.sql`SELECT last_error FROM projection_queue`).toHaveLength(0);
  const git = await server.sql`SELECT id, session_id, session_inferred FROM git_activity ORDER BY id`;
  const matches = await server.sql`
    SELECT git_activity_id, session_id, grade, why FROM git_matches ORDER BY git_activity_id, session_id`;
  const events = await server.sql`SELECT id, session_id FROM events ORDER BY id`;
  const devices = await server.sql`SELECT id, name, type FROM devices ORDER BY id`;
  const links = await server.sql`
    SELECT w.canonical_id, l.device_id, l.local_path, l.hooks_installed
    FROM workspace_devices l JOIN workspaces w ON w.id = l.workspace_id ORDER BY 1, 2`;
  return JSON.parse(JSON.stringify({ sessions, git, matches, events, devices, links }));
}

type Request = { path: string; body: object };

async function stateAfter(requests: readonly Request[]) {
  await clearRows(server.sql);
  server.current().ingest.forget();
  for (const { path, body } of requests) {
    const response = await server.request("POST", path, body);
    expect(response.status).toBeLessThan(300);
    expect(response.body.rejected ?? 0).toBe(0);
  }
  return await state();
}

const events = (batch: readonly SentEvent[]): Request => ({ path: "/api/events", body: { events: batch } });

const at = fc.integer({ min: 0, max: MINUTES });
const workspace = fc.constantFrom("github.com/acme/one", "github.com/acme/two");
const device = fc.constantFrom("laptop", "server");
const session = fc.constantFrom("s1", "s2");
/** Of sessions on several devices the order of arrival decides who owns them: session-owner.test.ts. */
const ownerOf = (session: string) => (session === "s1" ? "laptop" : "server");
const maybe = (...values: string[]) => fc.constantFrom<(string | null)[]>(null, ...values);

/** Where and what: a device's name and type as it says them itself, if it does. */
const place = fc
  .record({ workspace_id: workspace, device_id: device, name: maybe("first", "second") })
  .map((p) => {
    const _device_type = p.device_id === "server" ? "remote" : "local";
    const data = p.name === null ? {} : { _device_name: `the ${p.name} ${p.device_id}`, _device_type };
    return { fields: { workspace_id: p.workspace_id, device_id: p.device_id }, data };
  });

const anyStart = fc
  .record({
    session,
    at,
    place,
    source: fc.constantFrom("startup", "resume", "resume", "clear"),
    git_branch: maybe("main", "dev"),
    model: maybe("large", "small"),
    cwd: fc.constantFrom("/a", "/b"),
    cc_version: maybe("1", "2"),
    transcript_path: maybe("/t1", "/t2"),
  })
  .map(({ session, at, place, ...data }) =>
    start(session, at, { ...data, ...place.data }, { ...place.fields, device_id: ownerOf(session) }),
  );

const anyEnd = fc
  .record({
    session,
    at,
    place,
    end_reason: fc.constantFrom("exit", "prompt_input_exit", "crash", "clear"),
    duration_ms: fc.integer({ min: 0, max: 5_000_000_000 }),
    git_branch: maybe("main", "late"),
    model: maybe("large", "late"),
    cwd: maybe("/c"),
  })
  .map(({ session, at, place, ...data }) =>
    end(session, at, { ...data, ...place.data }, { ...place.fields, device_id: ownerOf(session) }),
  );

const anyToolUse = fc
  .record({ session, at, place })
  .map(({ session, at, place }) =>
    toolUse(session, at, { ...place.fields, device_id: ownerOf(session), data: place.data }),
  );

const anyCommit = fc
  .record({ at, place, session: fc.option(session, { freq: 6 }) })
  .map(({ at, place, session }) => {
    const device_id = session === null ? place.fields.device_id : ownerOf(session);
    return commit(at, { ...place.fields, device_id, session_id: session }, place.data);
  });

const anyReport = fc
  .record({
    session,
    at,
    place,
    lasts: fc.option(fc.integer({ min: 0, max: 8 })),
    duration_ms: fc.option(fc.integer({ min: 0, max: 1_000_000 })),
    git_branch: maybe("reported"),
    model: maybe("reported"),
    initial_prompt: maybe("do it", "do that"),
    tags: fc.subarray(["x", "y", "z"]),
    metadata: fc.dictionary(fc.constantFrom("k", "l"), fc.integer({ min: 0, max: 3 })),
  })
  .map(({ session: id, at, place, lasts, ...rest }) => ({
    path: "/api/sessions",
    body: {
      id,
      ...place.fields,
      device_id: ownerOf(id),
      started_at: minute(at),
      ended_at: lasts === null ? null : minute(at + lasts),
      end_reason: lasts === null ? null : "other",
      ...rest,
    },
  }));

const anyBackfill = fc
  .record({
    session,
    at,
    place,
    lasts: fc.option(fc.integer({ min: 0, max: 8 })),
    git_branch: maybe("found"),
  })
  .map(({ session: session_id, at, place, lasts, git_branch }) => ({
    path: "/api/backfill/sessions",
    body: {
      session_id,
      workspace_canonical_id: place.fields.workspace_id,
      device_id: ownerOf(session_id),
      started_at: minute(at),
      ended_at: lasts === null ? null : minute(at + lasts),
      git_branch,
    },
  }));

const history = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: anyStart },
    { weight: 3, arbitrary: anyEnd },
    { weight: 3, arbitrary: anyToolUse },
    { weight: 4, arbitrary: anyCommit },
  ),
  { minLength: 2, maxLength: 14 },
);

/** The same events in another order, cut into batches, some of them sent again. */
function shuffled<T>(items: readonly T[], random: () => number): T[][] {
  const order = shuffle([...items, ...items.filter(() => random() < 0.2)], random);
  const batches: T[][] = [];
  for (const item of order) {
    const last = batches.at(-1);
    if (last === undefined || random() < 0.5) batches.push([item]);
    else last.push(item);
  }
  return batches;
}

describe("for any order, batches and repeats", () => {
  test("events lead to the same sessions, git activity, devices and links", async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.integer(), async (sent, seed) => {
        const inOrder = [...sent].sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
        const expected = await stateAfter(inOrder.map((event) => events([event])));
        const random = seededRandom(seed);
        expect(await stateAfter([events(sent)])).toEqual(expected);
        expect(await stateAfter(shuffled(sent, random).map(events))).toEqual(expected);
        expect(await stateAfter(shuffled(sent, random).map(events))).toEqual(expected);
      }),
      { numRuns: RUNS },
    );
  });

  test("events, reports and backfills lead to the same state", async () => {
    const requests = fc.tuple(
      history,
      fc.array(fc.oneof(anyReport, anyBackfill), { minLength: 1, maxLength: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(requests, fc.integer(), async ([sent, reports], seed) => {
        const all = [...sent.map((event) => events([event])), ...reports];
        const expected = await stateAfter(all);
        const random = seededRandom(seed);
        expect(await stateAfter(shuffled(all, random).flat())).toEqual(expected);
        expect(await stateAfter(shuffled(all, random).flat())).toEqual(expected);
      }),
      { numRuns: RUNS / 2 },
    );
  });

  test("events that arrive at the same time lead to the same state", async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.integer(), async (sent, seed) => {
        const expected = await stateAfter([events(sent)]);
        await clearRows(server.sql);
        server.current().ingest.forget();
        await Promise.all(shuffled(sent, seededRandom(seed)).map((batch) => send(server, batch)));
        expect(await state()).toEqual(expected);
      }),
      { numRuns: RUNS / 2 },
    );
  });
});
