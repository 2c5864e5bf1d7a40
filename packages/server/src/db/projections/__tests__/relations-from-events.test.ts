import { describe, expect, test } from "bun:test";
import { clearRows } from "@wharf/testkit";
import { at, event, ingest, sessionStart } from "../../../__tests__/events.ts";
import { setupApp } from "../../../__tests__/setup-app.ts";
import { projectEvents } from "../../../ingest/project-events.ts";

const server = setupApp();

type Sent = ReturnType<typeof event>;

/** What the events lead to, as rows without the columns that depend on when they were stored. */
async function stateOf() {
  const { sql } = server;
  const [subagents, teams, teammates, skills, worktrees, envs] = await Promise.all([
    sql`SELECT * FROM subagents ORDER BY session_id, agent_id`,
    sql`SELECT * FROM teams ORDER BY id`,
    sql`SELECT * FROM teammates ORDER BY id`,
    sql`SELECT * FROM session_skills ORDER BY id`,
    sql`SELECT * FROM session_worktrees ORDER BY id`,
    sql`SELECT * FROM remote_envs ORDER BY id`,
  ]);
  return JSON.parse(JSON.stringify({ subagents, teams, teammates, skills, worktrees, envs }));
}

function* permutations<Item>(items: readonly Item[]): Generator<Item[]> {
  if (items.length <= 1) yield [...items];
  for (const [index, item] of items.entries()) {
    const rest = items.filter((_, other) => other !== index);
    for (const tail of permutations(rest)) yield [item, ...tail];
  }
}

/** Every order, one event a flush, each event sent twice; the state has to be that of one flush in order. */
async function expectSameInEveryOrder(events: Sent[]) {
  await ingest(server, [sessionStart("one", { timestamp: at(0) })]);
  const parents = ["events", "sessions", "devices", "workspaces", "workspace_devices", "session_totals"];
  await ingest(server, events);
  const expected = await stateOf();
  for (const order of permutations(events)) {
    const ids = events.map((sent) => sent.id);
    await clearRows(server.sql, parents);
    await server.sql`DELETE FROM events WHERE id = ANY(${ids})`;
    for (const sent of order) await ingest(server, [sent]);
    for (const sent of order) await server.request("POST", "/api/events", { events: [sent] });
    expect(await stateOf()).toEqual(expected);
    await projectEvents(server.current().pools.ingest, ids);
    expect(await stateOf()).toEqual(expected);
  }
  return expected;
}

const of = (type: string, seconds: number, data: Record<string, unknown>) =>
  event({ type, session_id: "one", timestamp: at(seconds), data: { session_id: "one", ...data } });

describe("subagents and teams", () => {
  test("come out the same in every order of starts, stops and creations, each sent twice", async () => {
    const agent = { agent_id: "a1", agent_type: "reviewer" };
    const state = await expectSameInEveryOrder([
      of("subagent.start", 10, {
        ...agent,
        agent_name: "Rex",
        model: "opus",
        team_name: "crew",
        run_in_background: true,
      }),
      of("subagent.start", 12, { ...agent, agent_name: "Other", isolation: "worktree" }),
      of("subagent.stop", 20, agent),
      of("team.create", 5, { team_name: "crew", description: "The crew" }),
    ]);
    expect(state.subagents).toMatchObject([
      {
        session_id: "one",
        agent_id: "a1",
        agent_type: "reviewer",
        agent_name: "Rex",
        model: "opus",
        isolation: null,
        run_in_background: true,
      },
    ]);
    expect(Date.parse(state.subagents[0].started_at)).toBe(Date.parse(at(10)));
    expect(Date.parse(state.subagents[0].ended_at)).toBe(Date.parse(at(20)));
    expect(state.teams).toMatchObject([{ team_name: "crew", description: "The crew" }]);
    expect(Date.parse(state.teams[0].created_at)).toBe(Date.parse(at(5)));
    expect(state.teammates).toMatchObject([
      { entity_name: "Rex", subagent_id: state.subagents[0].id, team_id: state.teams[0].id },
    ]);
  });

  test("of one id in two sessions stay apart, also where ids run into each other", async () => {
    const agent = (session_id: string, agent_id: string) =>
      event({
        type: "subagent.start",
        session_id,
        data: { session_id, agent_id, agent_type: "t", team_name: "x" },
      });
    await ingest(server, [agent("a", "b:c"), agent("a:b", "c"), agent('a","b', "c")]);
    const state = await stateOf();
    expect([state.subagents.length, state.teams.length, state.teammates.length]).toEqual([3, 3, 3]);
  });

  test("take the session from the payload where the event names none", async () => {
    await ingest(server, [
      event({
        type: "subagent.start",
        session_id: null,
        data: { session_id: "from-payload", agent_id: "a", agent_type: "t" },
      }),
    ]);
    const { status, body } = await server.request("GET", "/api/sessions/from-payload");
    expect([status, body.session.lifecycle]).toEqual([200, "detected"]);
    expect(body.session.subagents).toMatchObject([{ agent_id: "a", agent_type: "t", started_at: at(0) }]);
  });
});

describe("worktrees", () => {
  test("made, removed and made again are there, in every order", async () => {
    const state = await expectSameInEveryOrder([
      of("worktree.create", 10, { worktree_name: "wt", branch: "one" }),
      of("worktree.remove", 20, { worktree_name: "wt", had_changes: true }),
      of("worktree.create", 30, { worktree_name: "wt", branch: "two" }),
    ]);
    expect(state.worktrees).toMatchObject([
      { worktree_name: "wt", branch: "two", removed_at: null, had_changes: null },
    ]);
    expect(Date.parse(state.worktrees[0].created_at)).toBe(Date.parse(at(10)));
  });

  test("removed last are gone, in every order; one without a name is a worktree of its own", async () => {
    const state = await expectSameInEveryOrder([
      of("worktree.create", 10, { worktree_name: "wt", branch: "one" }),
      of("worktree.remove", 20, { worktree_name: "wt", had_changes: true }),
      of("worktree.remove", 25, { worktree_name: "wt", had_changes: false }),
      of("worktree.create", 11, {}),
    ]);
    const named = state.worktrees.find((row: { worktree_name: string | null }) => row.worktree_name === "wt");
    expect(named).toMatchObject({ had_changes: false, branch: "one" });
    expect(Date.parse(named.removed_at)).toBe(Date.parse(at(25)));
    expect(state.worktrees).toHaveLength(2);
  });
});

test("each invocation of a skill is one row, in every order and sent twice", async () => {
  const state = await expectSameInEveryOrder([
    of("skill.invoke", 1, { skill_name: "review", args: "--all", invoked_by: "user" }),
    of("skill.invoke", 2, { skill_name: "review" }),
  ]);
  expect(state.skills).toHaveLength(2);
  expect(state.skills[0]).toMatchObject({ skill_name: "review", session_id: "one" });
});

test("a subagent of which only stops came is described by the latest, in every order", async () => {
  const stop = (seconds: number, agent_type: string) =>
    of("subagent.stop", seconds, { agent_id: "a1", agent_type });
  const state = await expectSameInEveryOrder([
    stop(1, "writer"),
    stop(3, "reviewer"),
    stop(3, "auditor"),
    stop(2, "tester"),
  ]);
  expect(state.subagents).toMatchObject([{ agent_type: "reviewer", started_at: null }]);
});

describe("remote environments", () => {
  test("come out the same in every order of start, ready and terminate", async () => {
    const instance = { instance_id: "i-1" };
    const state = await expectSameInEveryOrder([
      of("remote.provision.start", 1, {
        ...instance,
        instance_type: "m5",
        region: "eu",
        blueprint: { image: "x" },
      }),
      of("remote.provision.ready", 2, {
        ...instance,
        public_ip: "10.0.0.1",
        ssh_port: 22,
        device_id: "remote-box",
      }),
      of("remote.terminate", 3, { ...instance, reason: "idle", uptime_seconds: 60, total_cost_usd: 0.5 }),
    ]);
    expect(state.envs).toMatchObject([
      {
        id: "i-1",
        status: "terminated",
        device_id: "remote-box",
        instance_type: "m5",
        region: "eu",
        public_ip: "10.0.0.1",
        blueprint: { image: "x" },
        termination_reason: "idle",
      },
    ]);
    expect(Date.parse(state.envs[0].provisioned_at)).toBe(Date.parse(at(1)));
    const [device] = await server.sql`SELECT type FROM devices WHERE id = 'remote-box'`;
    expect(device?.["type"]).toBe("remote");
  });

  test("whose device sends the event itself, in the same flush as others, are stored", async () => {
    await ingest(server, [
      event({
        type: "remote.provision.ready",
        device_id: "box",
        data: { instance_id: "i-2", device_id: "box" },
      }),
      event({ device_id: "box" }),
      event({ type: "remote.provision.error", data: {} }),
    ]);
    const state = await stateOf();
    expect(state.envs.map((env: { status: string }) => env.status).toSorted()).toEqual(["error", "ready"]);
  });

  test("keep the first reported values and their first workspace, in every order of their device's events", async () => {
    const said = (type: string, seconds: number, data: object, workspace: string) =>
      event({
        type,
        timestamp: at(seconds),
        workspace_id: `github.com/acme/${workspace}`,
        data: { instance_id: "i-4", ...data },
      });
    const state = await expectSameInEveryOrder([
      said("remote.provision.ready", 1, { public_ip: "10.0.0.2", region: "us" }, "third"),
      said("remote.provision.start", 2, { region: "eu" }, "first"),
      said("remote.provision.start", 3, { region: "ap", blueprint: { image: "y" } }, "second"),
      said("remote.provision.ready", 4, { public_ip: "10.0.0.3" }, "fourth"),
    ]);
    const [workspace] =
      await server.sql`SELECT id FROM workspaces WHERE canonical_id = 'github.com/acme/first'`;
    expect(state.envs).toMatchObject([
      {
        workspace_id: workspace?.["id"],
        public_ip: "10.0.0.2",
        region: "us",
        blueprint: { image: "y" },
        status: "ready",
      },
    ]);
  });

  describe("of a device", () => {
    const sent = (device_id: string, type: string, seconds: number, data: object) =>
      event({
        type: `remote.${type}`,
        device_id,
        timestamp: at(seconds),
        data: { instance_id: "i-5", ...data },
      });
    const own = [
      sent("laptop", "provision.start", 10, { region: "eu", blueprint: { image: "x" } }),
      sent("laptop", "provision.ready", 20, { public_ip: "10.0.0.1" }),
    ];
    const foreign = [
      sent("other", "provision.start", 1, {
        region: "us",
        instance_type: "huge",
        blueprint: { image: "evil" },
      }),
      sent("other", "provision.ready", 2, { public_ip: "6.6.6.6", device_id: "other" }),
      sent("other", "provision.error", 3, {}),
    ];
    const theirEnd = sent("other", "terminate", 5, {
      reason: "manual",
      uptime_seconds: 1,
      total_cost_usd: 99_999,
    });
    const facts = {
      region: "eu",
      instance_type: "unknown",
      public_ip: "10.0.0.1",
      device_id: null,
      blueprint: { image: "x" },
    };
    const envs = async () => (await stateOf()).envs;

    test("take nothing from another one but their end", async () => {
      await ingest(server, own);
      await ingest(server, foreign);
      expect(await envs()).toMatchObject([{ ...facts, status: "ready", total_cost_usd: null }]);
      await ingest(server, [theirEnd]);
      expect(await envs()).toMatchObject([
        { ...facts, status: "terminated", termination_reason: "manual", total_cost_usd: null },
      ]);
    });

    test("are found when another one has reported their end before, with nothing else of it", async () => {
      await ingest(server, [theirEnd]);
      await ingest(server, [
        ...own,
        sent("laptop", "terminate", 30, { reason: "ttl", uptime_seconds: 1, total_cost_usd: 2 }),
      ]);
      const [env] = await envs();
      expect(env).toMatchObject({
        ...facts,
        status: "terminated",
        termination_reason: "manual",
        total_cost_usd: "2.000",
      });
      expect(Date.parse(env.provisioned_at)).toBe(Date.parse(at(10)));
    });

    test("stay its own when another one names their instance for one of its own", async () => {
      await ingest(server, [sent("other", "provision.start", 1, { remote_env_id: "a-trap" })]);
      await ingest(server, own);
      await ingest(server, [sent("laptop", "provision.ready", 30, { remote_env_id: "i-5" })]);
      const byId = new Map((await envs()).map((env: { id: string }) => [env.id, env]));
      expect(byId.get("a-trap")).toMatchObject({ public_ip: null, region: "unknown" });
    });

    test("made through the API belong to the device that was given there", async () => {
      await ingest(server, [event({ device_id: "other" }), event({ device_id: "laptop" })]);
      const [workspace] = await server.sql`SELECT id FROM workspaces`;
      const made = {
        workspace_id: workspace?.["id"],
        instance_id: "i-5",
        device_id: "laptop",
        blueprint: {},
        instance_type: "m5",
        region: "eu",
      };
      expect((await server.request("POST", "/api/remote-envs", made)).status).toBe(201);
      await ingest(server, [...foreign, ...own]);
      const [env] = await envs();
      expect(env).toMatchObject({
        device_id: "laptop",
        public_ip: "10.0.0.1",
        instance_type: "m5",
        region: "eu",
        status: "ready",
      });
      const { body } = await server.request("PATCH", `/api/remote-envs/${env.id}`, {
        device_id: "other",
        public_ip: null,
      });
      expect(body.remote_env).not.toHaveProperty("facts");
      await ingest(server, [sent("other", "provision.ready", 40, { public_ip: "10.0.0.9" })]);
      expect(await envs()).toMatchObject([{ device_id: "other" }]);
    });
  });

  test("in use are not set back by a late event", async () => {
    await ingest(server, [of("remote.provision.start", 1, { instance_id: "i-3" })]);
    await server.sql`UPDATE remote_envs SET status = 'active'`;
    await ingest(server, [of("remote.provision.ready", 2, { instance_id: "i-3" })]);
    expect((await stateOf()).envs).toMatchObject([{ status: "active" }]);
  });
});

test("no event of these types ever fails its projection, however odd its optional values are", async () => {
  await ingest(server, [
    of("remote.provision.start", 1, { remote_env_id: "", instance_id: "", blueprint: "text", region: null }),
    of("remote.provision.start", 1, { instance_id: "i-odd", blueprint: [1] }),
    of("remote.terminate", 1, {
      instance_id: "i",
      reason: "ttl",
      uptime_seconds: 1e9,
      total_cost_usd: 1e300,
    }),
    of("worktree.create", 1, {}),
    of("worktree.remove", 1, { had_changes: null }),
    of("subagent.start", 1, { agent_id: "", agent_type: "", team_name: "", run_in_background: null }),
    of("team.create", 1, { team_name: "" }),
  ]);
  const [retries] = await server.sql`SELECT count(*)::int AS count FROM projection_queue`;
  expect(retries?.["count"]).toBe(0);
});
