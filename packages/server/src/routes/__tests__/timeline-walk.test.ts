import { afterAll, beforeAll, expect, test } from "bun:test";
import { Hono } from "hono";
import postgres from "postgres";
import { requestVariables } from "../../__tests__/request-variables.ts";
import { seededRandom } from "../../__tests__/seeded-random.ts";
import { setupApp, type TestServer } from "../../__tests__/setup-app.ts";
import { wireSettings, wireTypes } from "../../db/wire-types.ts";
import type { AppEnv } from "../../http/request-context.ts";
import { timelineRoutes } from "../timeline.ts";
import { GIT_ROWS_PER_PAGE_MAX } from "../timeline-page.ts";

/** A session, or git activity outside any session. */
type Entry = {
  kind: "session" | "git";
  id: string;
  time: string;
  workspace: string;
  device: string;
  type: string | null;
};
type Item = { session?: { id: string }; git_activity: { id: string }[] };
type Filters = { workspace_id?: string; device_id?: string; after?: string; before?: string; types?: string };
type Random = () => number;

const server = setupApp();
let fetched: string[] = [];
let sql: ReturnType<typeof connect>;
let app: Hono<AppEnv>;

beforeAll(() => {
  sql = connect(server);
  app = new Hono<AppEnv>()
    .use(requestVariables(server.current().access))
    .route(
      "/",
      timelineRoutes({ reads: { run: async (query) => await query(sql), close: async () => undefined } }),
    );
});
afterAll(() => sql.end());

/** As for reads, with the ids of the git activity that it brings noted. */
function connect({ url }: TestServer): postgres.Sql {
  const from = (row: Record<string, unknown>) => {
    if ("commit_sha" in row) fetched.push(String(row["id"]));
    return row;
  };
  return postgres(url, { max: 1, connection: wireSettings, types: wireTypes, transform: { row: { from } } });
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`pages of any size give each item once and in order, and fetch no more git activity than they show: seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const entries = await fill(random);
    for (let round = 0; round < 8; round++) {
      const filters = someFilters(random);
      await walk(
        sorted(entries.filter((entry) => fits(entry, filters))),
        filters,
        1 + between(random, random() < 0.7 ? 8 : 100),
      );
    }
  });
}

test("a page of one item of a busy device fetches the rows of that item alone", async () => {
  const entries = Array.from({ length: 450 }, (_, n) => gitEntry(n, timeAt(n), "w0", "d0"));
  await store(entries);
  await walk(sorted(entries), { types: "git_activity" }, 1);
  await walk(sorted(entries), {}, 2);
});

/** Each page has to be the next part of what is expected. */
async function walk(expected: readonly Entry[], filters: Filters, limit: number): Promise<void> {
  const hasSessions = expected.some(({ kind }) => kind === "session");
  let shown = 0;
  for (let cursor: string | null = null; ; ) {
    fetched = [];
    const { items, next_cursor } = await page({ ...filters, limit: `${limit}`, ...(cursor && { cursor }) });
    const ids = new Set(items.flatMap(idsOf));
    expect(sorted(expected.filter(({ id }) => ids.has(id)))).toEqual(expected.slice(shown, shown + ids.size));
    expect(items.flatMap(idsOf)).toHaveLength(ids.size);
    const placeOf = new Map(expected.map(({ id }, place) => [id, place]));
    const places = items.map((item) => idsOf(item).map((id) => placeOf.get(id) ?? -1));
    for (const rows of [...places, places.map(([first = -1]) => first)])
      expect(rows).toEqual(rows.toSorted((a, b) => a - b));
    shown += ids.size;
    expect(next_cursor === null).toBe(shown === expected.length);
    const gitShown = [...ids].filter((id) => id.startsWith("g")).length;
    const isFull = items.length === limit || gitShown === GIT_ROWS_PER_PAGE_MAX;
    expect(isFull || next_cursor === null).toBe(true);
    // One row more shows that there is a next page. With sessions in the list, the space left for git activity is not known before the query.
    if (!hasSessions) expect(fetched.length).toBeLessThanOrEqual(gitShown + 1);
    cursor = next_cursor;
    if (cursor === null) return;
  }
}

async function page(query: Record<string, string>): Promise<{ items: Item[]; next_cursor: string | null }> {
  const headers = { authorization: `Bearer ${server.key}` };
  const response = await app.request(`/?${new URLSearchParams(query)}`, { headers });
  expect(response.status).toBe(200);
  return JSON.parse(await response.text());
}

const idsOf = (item: Item) => (item.session ? [item.session.id] : item.git_activity.map(({ id }) => id));

/** Newest first; of one instant, sessions come before git activity, and greater ids first. */
function sorted(entries: readonly Entry[]): Entry[] {
  const key = ({ time, kind, id }: Entry) => `${time} ${kind === "session" ? 1 : 0} ${id}`;
  return entries.toSorted((a, b) => (key(a) < key(b) ? 1 : -1));
}

function fits(entry: Entry, { workspace_id, device_id, after, before, types }: Filters): boolean {
  return (
    (workspace_id === undefined || entry.workspace === workspace_id) &&
    (device_id === undefined || entry.device === device_id) &&
    (after === undefined || entry.time > after) &&
    (before === undefined || entry.time < before) &&
    (types === undefined ||
      types.split(",").includes(entry.type ?? "session") ||
      (entry.kind === "git" && types.includes("git_activity")))
  );
}

const between = (random: Random, count: number) => Math.floor(random() * count);
/** Instants that differ by microseconds. */
const timeAt = (n: number) => `2026-03-01T10:00:00.${String(n).padStart(6, "0")}Z`;

function someFilters(random: Random): Filters {
  const chosen = <T>(value: T) => (random() < 0.25 ? value : undefined);
  const [workspace_id, device_id] = [chosen("w0"), chosen(`d${between(random, 3)}`)];
  const [after, before] = [chosen(timeAt(between(random, 20))), chosen(timeAt(20 + between(random, 40)))];
  const types = chosen(["session", "git_activity", "commit", "push,session"][between(random, 4)]);
  return {
    ...(workspace_id && { workspace_id }),
    ...(device_id && { device_id }),
    ...(after && { after }),
    ...(before && { before }),
    ...(types && { types }),
  };
}

function gitEntry(n: number, time: string, workspace: string, device: string, type = "commit"): Entry {
  return { kind: "git", id: `g${String(n).padStart(6, "0")}`, time, workspace, device, type };
}

/** Up to 400 entries at few instants, of few or many devices. */
async function fill(random: Random): Promise<Entry[]> {
  const [devices, instants, share] = [1 + between(random, 40), 1 + between(random, 60), random() * 0.5];
  const entries = Array.from({ length: 100 + between(random, 300) }, (_, n): Entry => {
    const [time, workspace] = [timeAt(between(random, instants)), `w${between(random, 3)}`];
    const device = `d${between(random, devices)}`;
    const git = gitEntry(n, time, workspace, device, random() < 0.5 ? "commit" : "push");
    return random() < share ? { ...git, kind: "session", id: git.id.replace("g", "s"), type: null } : git;
  });
  await store(entries);
  return entries;
}

async function store(entries: readonly Entry[]): Promise<void> {
  const { sql } = server;
  const namesOf = (name: "workspace" | "device") => [
    ...new Set(["w0", "d0"].concat(entries.map((entry) => entry[name]))),
  ];
  await sql`INSERT INTO workspaces (id, canonical_id, display_name) SELECT n, n, n FROM unnest(${namesOf("workspace")}::text[]) AS n`;
  await sql`INSERT INTO devices (id, name, type) SELECT n, n, 'local' FROM unnest(${namesOf("device")}::text[]) AS n`;
  const rows = JSON.stringify(entries);
  await sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at)
    SELECT id, workspace, device, time FROM json_to_recordset(${rows}::text::json)
      AS entry (kind text, id text, time timestamptz, workspace text, device text) WHERE kind = 'session'`;
  await sql`
    INSERT INTO git_activity (id, workspace_id, device_id, type, timestamp)
    SELECT id, workspace, device, type, time FROM json_to_recordset(${rows}::text::json)
      AS entry (kind text, id text, time timestamptz, workspace text, device text, type text) WHERE kind = 'git'`;
}
