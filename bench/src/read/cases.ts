import type postgres from "postgres";
import { sized } from "../scale.ts";

/** `largest_page`: a list, timeline or detail with as many rows as may be asked for at once, as programs that copy ask. */
export type Group = "list" | "timeline" | "detail" | "largest_page";
/** `path` of each request may differ, so that not one row alone is read again and again. */
export type Case = { group: Group; name: string; path(request: number): string };

/** GET of a path; answers with the JSON. */
export type Get = (path: string) => Promise<Record<string, unknown>>;

type Samples = {
  sessions: string[];
  largestSession: string;
  busyWorkspace: string;
  typicalWorkspaces: string[];
  busyDevice: string;
  typicalDevices: string[];
};

const SAMPLES = 200;
const LARGEST_LIST = "1000";
const LARGEST_TIMELINE = "limit=100";
const DEEP = "after=2020-01-01";

/** Of the page before a second page; a small database has no second page of 1,000. */
export const FIRST_PAGE_ITEMS = sized(1_000, 10);

/** Every list, the timeline and every detail, each with the filters and orders that it has. */
export async function createCases(sql: postgres.Sql, get: Get): Promise<Case[]> {
  const samples = await takeSamples(sql);
  return [
    ...(await sessionLists(sql, samples, get)),
    ...(await otherLists(samples, get)),
    ...(await timelines(sql, samples)),
    ...(await details(samples, get)),
  ];
}

async function sessionLists(sql: postgres.Sql, samples: Samples, get: Get): Promise<Case[]> {
  const { busyWorkspace, typicalWorkspaces, busyDevice, typicalDevices } = samples;
  const deep = await deepCursor(sql, get);
  const filters: [string, (request: number) => string][] = [
    ["all", () => ""],
    ["one busy workspace", () => `workspace_id=${busyWorkspace}`],
    ["one workspace", (n) => `workspace_id=${pick(typicalWorkspaces, n)}`],
    ["one busy device", () => `device_id=${busyDevice}`],
    ["one device", (n) => `device_id=${pick(typicalDevices, n)}`],
    ["workspace and device", () => `workspace_id=${busyWorkspace}&device_id=${busyDevice}`],
    ["lifecycle=capturing,detected", () => "lifecycle=capturing,detected"],
    ["lifecycle=failed", () => "lifecycle=failed"],
    ["lifecycle=summarized", () => "lifecycle=summarized"],
    ["lifecycle=failed, one workspace", () => `lifecycle=failed&workspace_id=${busyWorkspace}`],
    ["tag=common", () => "tag=common"],
    ["tag=rare", () => "tag=rare"],
    ["tag=none such", () => "tag=nothing"],
    ["tag=common, one workspace", () => `tag=common&workspace_id=${busyWorkspace}`],
    ["after and before", (n) => window("after", "before", n)],
    ["ended_after and ended_before", (n) => window("ended_after", "ended_before", n)],
    ["ended_after, recent", () => `ended_after=${daysAgo(2)}`],
    ["ended_before, nothing", () => "ended_before=2020-01-01"],
  ];
  const lists = filters.flatMap(([name, filter]) =>
    [50, 1000].map((limit) => list("sessions", `${name}, limit=${limit}`, (n) => join(filter(n), limit))),
  );
  return [
    ...lists,
    list("sessions", "all, limit=100", () => "limit=100"),
    list("sessions", "in the middle, limit=100", () => `${DEEP}&limit=100&cursor=${deep}`),
    list("sessions", "in the middle, limit=1000", () => `${DEEP}&limit=1000&cursor=${deep}`),
  ];
}

async function otherLists({ busyDevice }: Samples, get: Get): Promise<Case[]> {
  const cases = [20, 100, 1000].flatMap((limit) => [
    list("workspaces", `limit=${limit}`, () => `limit=${limit}`),
    list("devices", `limit=${limit}`, () => `limit=${limit}`),
    list("prompts/pending", `limit=${limit}`, () => `device_id=${busyDevice}&limit=${limit}`),
    list("remote-envs", `limit=${limit}`, () => `limit=${limit}`),
    list("blueprints", `limit=${limit}`, () => `limit=${limit}`),
    list("keys", `limit=${limit}`, () => `limit=${limit}`),
    list("ingest/notes", `limit=${limit}`, () => `limit=${limit}`),
  ]);
  const next = await nextCursor(get, `/api/workspaces?limit=${FIRST_PAGE_ITEMS}`);
  return [
    ...cases,
    list("workspaces", "second page, limit=1000", () => `limit=1000&cursor=${next}`),
    list("remote-envs", "status=active", () => "status=active"),
    list("ingest/notes", "of a device", () => `device_id=${busyDevice}`),
    { group: "list", name: "ingest/health", path: () => "/api/ingest/health" },
  ];
}

async function timelines(sql: postgres.Sql, samples: Samples): Promise<Case[]> {
  const { busyWorkspace, typicalWorkspaces, busyDevice } = samples;
  const [row] = await sql<{ before: string }[]>`
    SELECT to_char(percentile_disc(0.5) WITHIN GROUP (ORDER BY started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS before
    FROM sessions`;
  const timeline = (name: string, query: (request: number) => string): Case => ({
    group: name.includes(LARGEST_TIMELINE) ? "largest_page" : "timeline",
    name: `timeline ${name}`,
    path: (n) => `/api/timeline?${query(n)}`,
  });
  return [20, 100].flatMap((limit) => [
    timeline(`first page, limit=${limit}`, () => `limit=${limit}`),
    timeline(`in the middle, limit=${limit}`, () => `before=${row?.before}&limit=${limit}`),
    timeline(`one busy workspace, limit=${limit}`, () => `workspace_id=${busyWorkspace}&limit=${limit}`),
    timeline(
      `one workspace, limit=${limit}`,
      (n) => `workspace_id=${pick(typicalWorkspaces, n)}&limit=${limit}`,
    ),
    timeline(`one busy device, limit=${limit}`, () => `device_id=${busyDevice}&limit=${limit}`),
    timeline(`types=session, limit=${limit}`, () => `types=session&limit=${limit}`),
    timeline(`types=git_activity, limit=${limit}`, () => `types=git_activity&limit=${limit}`),
    timeline(`types=push, limit=${limit}`, () => `types=push&limit=${limit}`),
  ]);
}

async function details(samples: Samples, get: Get): Promise<Case[]> {
  const { sessions, largestSession, busyWorkspace, typicalWorkspaces, busyDevice, typicalDevices } = samples;
  const largest = `/api/sessions/${largestSession}`;
  const next = await nextCursor(get, `${largest}/events?limit=${FIRST_PAGE_ITEMS}`);
  const detail = (name: string, path: (request: number) => string): Case => ({
    group: name.includes(LARGEST_LIST) ? "largest_page" : "detail",
    name,
    path,
  });
  return [
    detail("session", (n) => `/api/sessions/${pick(sessions, n)}`),
    detail("session, the largest", () => largest),
    detail("session events", (n) => `/api/sessions/${pick(sessions, n)}/events`),
    detail("session events, the largest, limit=100", () => `${largest}/events?limit=100`),
    detail("session events, the largest, limit=1000", () => `${largest}/events?limit=1000`),
    detail("session events, second page of 1000", () => `${largest}/events?limit=1000&cursor=${next}`),
    detail("session git", (n) => `/api/sessions/${pick(sessions, n)}/git`),
    detail("session git, the largest, limit=1000", () => `${largest}/git?limit=1000`),
    detail("workspace", (n) => `/api/workspaces/${pick(typicalWorkspaces, n)}`),
    detail("workspace, the largest", () => `/api/workspaces/${busyWorkspace}`),
    detail("workspace by canonical id", (n) => `/api/workspaces/github.com/acme/repository-${n % 20}`),
    detail("device", (n) => `/api/devices/${pick(typicalDevices, n)}`),
    detail("device, the largest", () => `/api/devices/${busyDevice}`),
  ];
}

async function takeSamples(sql: postgres.Sql): Promise<Samples> {
  const sessions = await ids(sql`SELECT id FROM sessions ORDER BY md5(id) LIMIT ${SAMPLES}`);
  const largest = await ids(
    sql`SELECT session_id AS id FROM events WHERE session_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1`,
  );
  const workspaces = await ids(
    sql`SELECT workspace_id AS id FROM session_totals GROUP BY 1 ORDER BY sum(session_count) DESC LIMIT ${SAMPLES}`,
  );
  const devices = await ids(
    sql`SELECT device_id AS id FROM session_totals GROUP BY 1 ORDER BY sum(session_count) DESC LIMIT ${SAMPLES}`,
  );
  return {
    sessions,
    largestSession: first(largest),
    busyWorkspace: first(workspaces),
    typicalWorkspaces: workspaces.slice(1),
    busyDevice: first(devices),
    typicalDevices: devices.slice(1),
  };
}

/** A cursor of the session list that stands half-way down, as a client would have come by it. */
async function deepCursor(sql: postgres.Sql, get: Get): Promise<string> {
  const [row] = await sql<{ before: string }[]>`
    SELECT to_char(percentile_disc(0.5) WITHIN GROUP (ORDER BY started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS before
    FROM sessions`;
  const [scope] = parseCursor(await nextCursor(get, `/api/sessions?${DEEP}&limit=1`));
  return Buffer.from(JSON.stringify([scope, [row?.before, "m"]])).toString("base64url");
}

function parseCursor(cursor: string): unknown[] {
  const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
  return Array.isArray(parsed) ? parsed : [];
}

async function nextCursor(get: Get, path: string): Promise<string> {
  const { next_cursor } = await get(path);
  if (typeof next_cursor === "string") return next_cursor;
  throw new Error(`${path} has no next page: the data is too small to measure`);
}

async function ids(rows: PromiseLike<readonly Record<string, unknown>[]>): Promise<string[]> {
  return (await rows).map((row) => String(row["id"]));
}

function list(resource: string, name: string, query: (request: number) => string): Case {
  const group = name.includes(LARGEST_LIST) ? "largest_page" : "list";
  return { group, name: `${resource} ${name}`, path: (n) => `/api/${resource}?${query(n)}` };
}

function first(values: readonly string[]): string {
  return values[0] ?? "";
}

function pick(values: readonly string[], request: number): string {
  return values[request % values.length] ?? "";
}

function join(filter: string, limit: number): string {
  return filter === "" ? `limit=${limit}` : `${filter}&limit=${limit}`;
}

/** One day of the year before, another one for each request. */
function window(from: string, to: string, request: number): string {
  const day = 10 + (request % 300);
  return `${from}=${daysAgo(day)}&${to}=${daysAgo(day - 1)}`;
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}
