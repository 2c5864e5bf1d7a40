import { beforeEach, describe, expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { addResponses, addSession } from "../../db/usage/__tests__/add-responses.ts";

const server = setupApp();

async function usage(query: Record<string, string>) {
  const { status, body } = await server.request("GET", `/api/usage?${new URLSearchParams(query)}`);
  expect([status, body.detail]).toEqual([200, undefined]);
  return body;
}

const keysOf = ({ rows }: { rows: { key: string; responses: number }[] }) =>
  rows.map(({ key, responses }) => [key, responses]);

describe("plots", () => {
  test("begin days at midnight of the time zone, also when the clocks change", async () => {
    await addResponses(server.sql, [
      { key: "a", at: "2026-10-24T21:59:59Z" },
      { key: "b", at: "2026-10-24T22:00:00Z" },
      { key: "c", at: "2026-10-25T22:59:59Z" },
      { key: "d", at: "2026-10-25T23:00:00Z" },
    ]);
    const range = { from: "2026-10-20", to: "2026-10-30" };
    expect(keysOf(await usage({ group: "day", tz: "Europe/Berlin", ...range }))).toEqual([
      ["2026-10-24", 1],
      ["2026-10-25", 2],
      ["2026-10-26", 1],
    ]);
    const lastDay = { group: "day", tz: "Europe/Berlin", from: "2026-10-26", to: "2026-10-27" };
    expect(keysOf(await usage(lastDay))).toEqual([["2026-10-26", 1]]);
    expect(keysOf(await usage({ ...range }))).toEqual([
      ["2026-10-24", 2],
      ["2026-10-25", 2],
    ]);
  });

  test("keep the two hours apart that a clock shows twice", async () => {
    await addResponses(server.sql, [
      { key: "first", at: "2026-10-25T00:30:00Z" },
      { key: "second", at: "2026-10-25T01:30:00Z" },
    ]);
    const range = { from: "2026-10-25", to: "2026-10-26" };
    expect(keysOf(await usage({ group: "hour", tz: "Europe/Berlin", ...range }))).toEqual([
      ["2026-10-25T00:00:00.000000Z", 1],
      ["2026-10-25T01:00:00.000000Z", 1],
    ]);
  });

  test("know zones whose offset is no whole hour", async () => {
    await addResponses(server.sql, [
      { key: "before", at: "2026-10-20T18:14:59Z" },
      { key: "midnight", at: "2026-10-20T18:15:00Z" },
    ]);
    const range = { tz: "Asia/Kathmandu", from: "2026-10-20", to: "2026-10-22" };
    expect(keysOf(await usage({ group: "day", ...range }))).toEqual([
      ["2026-10-20", 1],
      ["2026-10-21", 1],
    ]);
    expect(keysOf(await usage({ group: "hour", ...range }))).toEqual([
      ["2026-10-20T17:15:00.000000Z", 1],
      ["2026-10-20T18:15:00.000000Z", 1],
    ]);
  });

  test("are refused for an unknown zone and for ranges that are empty or too long", async () => {
    const refused: [Record<string, string>, string][] = [
      [{ tz: "Europe/Atlantis" }, "/tz"],
      [{ tz: "+02:00" }, "/tz"],
      [{ from: "2026-10-02", to: "2026-10-01" }, "/from"],
      [{ from: "2026-10-01", to: "2026-10-01" }, "/from"],
      [{ from: "2020-10-02", to: "2026-10-01" }, "/from"],
      [{ group: "hour", from: "2026-01-01", to: "2026-10-01" }, "/from"],
      [{ group: "week" }, "/group"],
    ];
    for (const [query, pointer] of refused) {
      const { status, body } = await server.request("GET", `/api/usage?${new URLSearchParams(query)}`);
      expect([query, status, body.errors?.[0].pointer]).toEqual([query, 400, pointer]);
    }
  });

  test("cover the last days by default, and what a device's clock dates ahead", async () => {
    await addResponses(server.sql, [
      { key: "now", at: new Date(Date.now() - 60_000).toISOString() },
      { key: "long ago", at: new Date(Date.now() - 40 * 86_400_000).toISOString() },
      { key: "ahead", at: new Date(Date.now() + 2 * 86_400_000).toISOString() },
    ]);
    expect((await usage({})).rows.map(({ responses }: { responses: number }) => responses)).toEqual([1, 1]);
    expect((await usage({ group: "session" })).rows[0]).toMatchObject({ responses: 3 });
  });
});

describe("groups", () => {
  beforeEach(async () => {
    await addSession(server.sql, "s-1");
    await addSession(server.sql, "s-2", { workspace_id: "other" });
    await addSession(server.sql, "s-3", { device_id: "desktop" });
    await addResponses(server.sql, [
      {
        key: "a",
        input: 1,
        output: 20,
        cache_read: 300,
        cache_write_5m: 4_000,
        cache_write_1h: 50_000,
        cost_usd: 0.1,
      },
      { key: "b", at: null, cost_usd: 0.2, cost_is_partial: true, web_searches: 2 },
      { key: "c", session_id: "s-2", model: "house", input: 7 },
      { key: "d", session_id: "s-2", model: "claude-haiku-5-5", cost_usd: 0.5 },
      { key: "e", session_id: "s-3", agent: "codex", model: null },
    ]);
    await server.sql`UPDATE sessions SET reported_cost_usd = 0.75, title = 'Greet' WHERE id = 's-1'`;
  });

  test("sum up tokens by bucket and cost, whole sessions and also what has no time", async () => {
    const { rows } = await usage({ group: "session" });
    expect(rows.map(({ key }: { key: string }) => key)).toEqual(["s-2", "s-1", "s-3"]);
    expect(rows[1]).toEqual({
      key: "s-1",
      name: "Greet",
      sessions: 1,
      responses: 2,
      tokens_in: 1,
      tokens_out: 20,
      cache_read_tokens: 300,
      cache_write_tokens: 54_000,
      cache_write_5m_tokens: 4_000,
      cache_write_1h_tokens: 50_000,
      reasoning_tokens: 0,
      web_searches: 2,
      cost_usd: 0.3,
      cost_is_partial: true,
      reported_cost_usd: 0.75,
    });
    expect(rows[2]).toMatchObject({ cost_usd: null, cost_is_partial: true, reported_cost_usd: null });
  });

  test("are by model, workspace, device or agent, with models without a price by name", async () => {
    const by = async (group: string) =>
      (await usage({ group })).rows.map(
        ({
          key,
          name,
          sessions,
          cost_usd,
        }: {
          key: string;
          name: string;
          sessions: number;
          cost_usd: number;
        }) => [key, name, sessions, cost_usd],
      );
    expect(await by("model")).toEqual([
      ["claude-haiku-5-5", null, 1, 0.5],
      ["claude-opus-5", null, 1, 0.3],
      ["house", null, 1, null],
      [null, null, 1, null],
    ]);
    expect(await by("workspace")).toEqual([
      ["other", "github.com/acme/other", 1, 0.5],
      ["w", "github.com/acme/w", 2, 0.3],
    ]);
    expect(await by("device")).toEqual([
      ["laptop", "laptop", 2, 0.8],
      ["desktop", "desktop", 1, null],
    ]);
    expect(await by("agent")).toEqual([
      ["claude-code", null, 2, 0.8],
      ["codex", null, 1, null],
    ]);
    expect((await usage({ group: "agent" })).unpriced).toEqual([
      { model: "house", responses: 1 },
      { model: null, responses: 1 },
    ]);
  });

  test("are filtered by workspace, device, session, agent and model", async () => {
    const filters = [
      { workspace_id: "other" },
      { device_id: "desktop" },
      { session_id: "s-1" },
      { agent: "codex" },
      { model: "house" },
      { model: "house", session_id: "s-1" },
    ];
    const counts: number[] = [];
    for (const filter of filters) {
      const { rows } = await usage({ group: "workspace", ...filter });
      counts.push(rows.reduce((sum: number, { responses }: { responses: number }) => sum + responses, 0));
    }
    expect(counts).toEqual([2, 1, 2, 1, 1, 0]);
    const { rows, unpriced } = await usage({ group: "session", session_id: "s-1" });
    expect([rows.length, unpriced]).toEqual([1, []]);
  });

  test("leave out sessions whose deletion has begun", async () => {
    await server.sql`UPDATE sessions SET deleted_at = now() WHERE id = 's-2'`;
    const { rows, unpriced } = await usage({ group: "session" });
    expect(rows.map(({ key }: { key: string }) => key)).toEqual(["s-1", "s-3"]);
    expect(unpriced).toEqual([{ model: null, responses: 1 }]);
  });
});

test("the sums follow every change of a response", async () => {
  const { sql } = server;
  await addResponses(sql, [
    { key: "moved", input: 1, cost_usd: 0.1 },
    { key: "gone", input: 10, cost_usd: 0.2 },
    { key: "stays", session_id: "s-2", input: 100, cost_usd: 0.4 },
  ]);
  await sql`
    UPDATE model_responses SET session_id = 's-2', input = 2, cost_usd = NULL, at = '2026-10-21T08:14:59Z' WHERE response_key = 'moved'`;
  await sql`DELETE FROM model_responses WHERE response_key = 'gone'`;
  await sql`UPDATE model_responses SET file = 'other.jsonl'`;
  const slots = await sql`
    SELECT session_id, slot = '2026-10-20T10:00:00Z' AS is_first, responses::int, unpriced::int, input::int, cost_usd::float8
    FROM usage_slots ORDER BY slot`;
  expect([...slots]).toEqual([
    { session_id: "s-2", is_first: true, responses: 1, unpriced: 0, input: 100, cost_usd: 0.4 },
    { session_id: "s-2", is_first: false, responses: 1, unpriced: 1, input: 2, cost_usd: 0 },
  ]);
  const [later] = await sql`SELECT slot = '2026-10-21T08:00:00Z' AS same FROM usage_slots WHERE unpriced = 1`;
  expect(later).toEqual({ same: true });
});
