import { describe, expect, test } from "bun:test";
import { clearRows } from "@wharf/testkit";
import { seededRandom, shuffle } from "../../__tests__/seeded-random.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { endIdleSessions } from "../../db/edits/idle-sessions.ts";
import { refreshSessions } from "../../db/projections/project-sessions.ts";
import { anEvent, end, minute, type SentEvent, send, start, toolUse } from "./event-factory.ts";

const server = setupApp();

const WORKSPACE = "github.com/acme/widgets";
const OTHER = { device_id: "other", workspace_id: "github.com/acme/other" };
const MANY = 50;
/** 40 of 720: each takes half a second. */
const ORDERS_SKIPPED = 18;

type Step = () => Promise<unknown>;

const sends =
  (...events: SentEvent[]): Step =>
  () =>
    send(server, events);
const posts =
  (path: string, body: object): Step =>
  async () => {
    const { status } = await server.request("POST", path, body);
    expect(status).toBeLessThan(300);
  };
const report = (fields: object = {}) =>
  posts("/api/sessions", {
    id: "s1",
    workspace_canonical_id: WORKSPACE,
    device_id: "laptop",
    started_at: minute(0),
    ...fields,
  });
const backfill = (fields: object = {}) =>
  posts("/api/backfill/sessions", {
    session_id: "s1",
    workspace_canonical_id: WORKSPACE,
    device_id: "laptop",
    started_at: minute(-30),
    ended_at: minute(20),
    ...fields,
  });
const REPORTED_ELSEWHERE = { device_id: "other", workspace_canonical_id: OTHER.workspace_id };

/** Events of the session on `device`, one of each kind that leaves more than itself. */
function relations(device: Partial<SentEvent>, name: string, at: number): SentEvent[] {
  const of = (type: string, data: object) =>
    anEvent({
      type,
      session_id: "s1",
      timestamp: minute(at),
      data: { session_id: "s1", ...data },
      ...device,
    });
  return [
    of("subagent.start", { agent_id: name, agent_type: "reviewer", team_name: name }),
    of("team.create", { team_name: name }),
    of("skill.invoke", { skill_name: name }),
    of("worktree.create", { worktree_name: name, branch: name }),
  ];
}

async function row() {
  await server.projected();
  const [session] = await server.sql`
    SELECT w.canonical_id, s.device_id, s.lifecycle, s.started_at::text, s.start_reported_at::text, s.resumed_at::text, s.ended_at::text,
      s.end_reason, s.duration_ms, s.git_branch, s.model, s.source, s.initial_prompt, s.tags, s.metadata
    FROM sessions s JOIN workspaces w ON w.id = s.workspace_id WHERE s.id = 's1'`;
  return JSON.parse(JSON.stringify(session ?? null));
}

async function relationNames() {
  const { sql } = server;
  const [names] = await sql`
    SELECT ARRAY(SELECT agent_id FROM subagents ORDER BY 1) AS subagents, ARRAY(SELECT team_name FROM teams ORDER BY 1) AS teams,
      ARRAY(SELECT entity_name FROM teammates ORDER BY 1) AS teammates,
      ARRAY(SELECT skill_name FROM session_skills ORDER BY 1) AS skills, ARRAY(SELECT branch FROM session_worktrees ORDER BY 1) AS worktrees`;
  return { ...names };
}

const only = (name: string) => ({
  subagents: [name],
  teams: [name],
  teammates: [name],
  skills: [name],
  worktrees: [name],
});

async function stateAfter(steps: readonly Step[]) {
  await clearRows(server.sql);
  server.current().ingest.forget();
  for (const step of steps) await step();
  await server.projected();
  const before = { row: await row(), relations: await relationNames() };
  await refreshSessions(server.sql, ["s1"]);
  expect({ row: await row(), relations: await relationNames() }).toEqual(before);
  return before;
}

function* permutations<Item>(items: readonly Item[]): Generator<Item[]> {
  if (items.length <= 1) yield [...items];
  for (const [index, item] of items.entries()) {
    const rest = items.filter((_, other) => other !== index);
    for (const tail of permutations(rest)) yield [item, ...tail];
  }
}

const evil = { cwd: "/other", model: "other", git_branch: "other", transcript_path: "/other/t" };
const FROM_OTHER: [string, Step][] = [
  ["an earlier start", sends(start("s1", -60, evil, OTHER))],
  ["a resume", sends(start("s1", 90, { ...evil, source: "resume" }, OTHER))],
  ["an end", sends(end("s1", 90, { ...evil, end_reason: "crash" }, OTHER))],
  ["an earlier event", sends(toolUse("s1", -60, OTHER))],
  ["subagents, teams, skills and worktrees", sends(...relations(OTHER, "theirs", -60))],
  [
    "a report",
    report({
      ...REPORTED_ELSEWHERE,
      started_at: minute(-60),
      tags: ["x"],
      initial_prompt: "x",
      metadata: { k: 1 },
    }),
  ],
  ["a backfill", backfill({ ...REPORTED_ELSEWHERE, git_branch: "other", cwd: "/other" })],
];

describe("a session", () => {
  test.each(FROM_OTHER)(
    "keeps what its own device reported when another device sends %s",
    async (_, step) => {
      const own = [sends(start("s1", 0), ...relations({}, "ours", 1)), sends(end("s1", 9))];
      const expected = await stateAfter(own);
      expect(expected).toMatchObject({ row: { device_id: "laptop" }, relations: only("ours") });
      expect(await stateAfter([...own, step])).toEqual(expected);
      const [first, last] = own;
      if (first !== undefined && last !== undefined)
        expect(await stateAfter([first, step, last])).toEqual(expected);
    },
  );

  test("stays with the device whose start was received first, however many starts another one sends", async () => {
    const starts = Array.from({ length: MANY }, (_, n) => start("s1", -n - 1, evil, OTHER));
    const ends = Array.from({ length: MANY }, (_, n) => end("s1", 100 + n, evil, OTHER));
    const expected = await stateAfter([sends(start("s1", 0)), sends(end("s1", 9))]);
    const flooded = [sends(start("s1", 0)), sends(...starts, ...ends), sends(end("s1", 9))];
    expect(await stateAfter(flooded)).toEqual(expected);
  });

  test("counts the events of other devices as its own", async () => {
    await stateAfter([sends(start("s1", 0)), sends(start("s1", -60, evil, OTHER), toolUse("s1", 3, OTHER))]);
    const { body } = await server.request("GET", "/api/sessions/s1/events");
    expect(body.events).toHaveLength(3);
  });

  test("begun by a report or a backfill stays with its device", async () => {
    for (const begin of [report({ initial_prompt: "do it" }), backfill()]) {
      const expected = await stateAfter([begin]);
      expect(expected.row).toMatchObject({ device_id: "laptop", canonical_id: WORKSPACE });
      for (const [, step] of FROM_OTHER) expect(await stateAfter([begin, step])).toEqual(expected);
    }
  });

  test("is not kept open by the events of another device, nor opened again, nor ended at their time", async () => {
    await stateAfter([sends(start("s1", 0)), sends(toolUse("s1", 5))]);
    const later = async (step: Step) => {
      server.current().ingest.forget();
      await step();
      await server.projected();
    };
    const age = () => server.sql`UPDATE sessions SET last_heard_at = now() - interval '1 day'`;
    await age();
    await later(sends(toolUse("s1", 50, OTHER)));
    expect(await endIdleSessions(server.sql, 60_000, ["s1"])).toEqual(["s1"]);
    const ended = await row();
    expect(ended).toMatchObject({ lifecycle: "ended", end_reason: "crash", duration_ms: "300000" });
    await age();
    await later(sends(toolUse("s1", 60, OTHER), end("s1", 70, {}, OTHER)));
    expect(await row()).toEqual(ended);
    await later(sends(toolUse("s1", 60)));
    expect(await row()).toMatchObject({ lifecycle: "capturing", ended_at: null });
  });
});

describe("a stub", () => {
  test("stays with the device whose event was received first until one reports its start", async () => {
    const stub = sends(toolUse("s1", 5), ...relations({}, "ours", 6));
    const expected = await stateAfter([stub]);
    expect(expected).toMatchObject({ row: { device_id: "laptop" }, relations: only("ours") });
    const events = sends(
      toolUse("s1", 1, OTHER),
      end("s1", 9, evil, OTHER),
      ...relations(OTHER, "theirs", 2),
    );
    expect(await stateAfter([stub, events])).toEqual(expected);
    expect(await stateAfter([stub, backfill(REPORTED_ELSEWHERE)])).toEqual(expected);
  });

  test.each([
    ["start", sends(start("s1", 0))],
    ["report", report()],
  ])("goes to the device whose %s is received first, with its relations alone", async (_, begin) => {
    const theirs = sends(
      toolUse("s1", -9, OTHER),
      ...relations(OTHER, "theirs", -8),
      end("s1", 50, evil, OTHER),
    );
    const ours = sends(...relations({}, "ours", 1));
    const expected = await stateAfter([begin, ours]);
    expect(expected).toMatchObject({
      row: { device_id: "laptop", lifecycle: "capturing" },
      relations: only("ours"),
    });
    for (const steps of permutations([begin, theirs, ours]))
      expect(await stateAfter(steps)).toEqual(expected);
    expect(await stateAfter([theirs, begin, ours, sends(start("s1", -60, evil, OTHER))])).toEqual(expected);
  });

  test("belongs to the earlier of two starts that are received at once", async () => {
    const both = sends(start("s1", 2, {}, OTHER), start("s1", 1));
    expect((await stateAfter([both])).row).toMatchObject({ device_id: "laptop" });
  });
});

describe("in every order", () => {
  const ofLaptop = [
    sends(start("s1", 2, { model: "large" })),
    sends(end("s1", 9)),
    sends(start("s1", 12, { source: "resume" })),
    sends(toolUse("s1", 1, { workspace_id: OTHER.workspace_id })),
    report({ started_at: minute(3), initial_prompt: "do it", tags: ["a"], metadata: { k: 1 } }),
    backfill({ git_branch: "old" }),
  ];

  test("events, reports and backfills of one device lead to one session", async () => {
    const [first, ...others] = [...permutations(ofLaptop)].filter((_, n) => n % ORDERS_SKIPPED === 0);
    const expected = await stateAfter(first ?? []);
    for (const steps of others) expect(await stateAfter(steps)).toEqual(expected);
  });

  test("a backfill and two events lead to one session", async () => {
    const steps = [
      backfill(),
      sends(toolUse("s1", -20, { workspace_id: "github.com/acme/early" })),
      sends(toolUse("s1", -10, { workspace_id: "github.com/acme/late" })),
    ];
    const expected = await stateAfter(steps);
    expect(expected.row).toMatchObject({
      canonical_id: "github.com/acme/early",
      started_at: expect.any(String),
    });
    for (const order of permutations(steps)) expect(await stateAfter(order)).toEqual(expected);
  });

  test("what two devices send after the first start leads to one session", async () => {
    const random = seededRandom(7);
    const first = sends(start("s1", 5));
    const rest = [...ofLaptop, ...FROM_OTHER.map(([, step]) => step)];
    const expected = await stateAfter([first, ...ofLaptop]);
    for (let run = 0; run < 40; run++)
      expect(await stateAfter([first, ...shuffle(rest, random)])).toEqual(expected);
  });
});
