import { percentile, progress, rounded } from "../report.ts";
import { sized } from "../scale.ts";
import { ADMIN_KEY } from "../server.ts";
import { fillHub } from "./fill.ts";
import type { Hub } from "./hub.ts";

const SESSIONS_PER_EVENT = 1 / 50;
const REQUESTS = sized(150, 2);
const WARM_UP_REQUESTS = sized(5, 1);
const DAY_MS = 86_400_000;
const OPEN_STATES = "needs_input,stale_call,turn_done,working,idle";

/** Requests of pages, by a name for their figures. */
type Requests = Record<string, string>;

/** Every list and plot of the dashboard on a hub of a year with so many events: `…_p50_ms` and `…_p99_ms` of each. */
export async function measureLists(hub: Hub, events: number): Promise<Record<string, number>> {
  await fillHub(hub.url, { events, sessions: Math.round(events * SESSIONS_PER_EVENT) });
  const figures: Record<string, number> = { events };
  for (const [name, path] of Object.entries(await requestsOf(hub))) {
    const latencies_ms = await time(hub, path);
    figures[`list_${name}_p50_ms`] = rounded(percentile(latencies_ms, 0.5));
    figures[`list_${name}_p99_ms`] = rounded(percentile(latencies_ms, 0.99));
    progress(`${name}: p50 ${figures[`list_${name}_p50_ms`]} ms, p99 ${figures[`list_${name}_p99_ms`]} ms`);
  }
  return figures;
}

async function requestsOf({ sql }: Hub): Promise<Requests> {
  const [busiest] = await sql<{ session: string; workspace: string; device: string }[]>`
    SELECT (SELECT id FROM sessions ORDER BY total_messages DESC LIMIT 1) AS session,
      (SELECT workspace_id FROM session_totals GROUP BY 1 ORDER BY sum(session_count) DESC LIMIT 1) AS workspace,
      (SELECT device_id FROM session_totals GROUP BY 1 ORDER BY sum(session_count) DESC LIMIT 1) AS device`;
  const { session, workspace, device } = busiest ?? { session: "", workspace: "", device: "" };
  const dayOf = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
  const usage = (group: string, days: number, filter = "") =>
    `/api/usage?group=${group}&from=${dayOf(days)}${filter}`;
  const usageGroups = ["day", "model", "workspace", "device", "agent", "session"];
  return {
    now_open: `/api/sessions?live_state=${OPEN_STATES}&limit=200`,
    now_devices: "/api/devices?limit=200",
    now_finished: `/api/sessions?ended_after=${new Date(Date.now() - DAY_MS).toISOString()}&limit=50`,
    now_hours: usage("hour", 8),
    sessions: "/api/sessions?limit=50",
    sessions_of_workspace: `/api/sessions?limit=50&workspace_id=${workspace}`,
    sessions_of_device: `/api/sessions?limit=50&device_id=${device}`,
    sessions_of_agent: "/api/sessions?limit=50&agent=codex",
    sessions_of_tag: "/api/sessions?limit=50&tag=common",
    session_events: `/api/sessions/${session}/events?limit=100`,
    session_git: `/api/sessions/${session}/git?limit=100`,
    ...Object.fromEntries(
      [30, 90].flatMap((days) => usageGroups.map((group) => [`usage_${group}_${days}`, usage(group, days)])),
    ),
    usage_day_90_of_model: usage("day", 90, "&model=model-1"),
    usage_day_90_of_workspace: usage("day", 90, `&workspace_id=${workspace}`),
    usage_models: "/api/usage?group=model",
    stats_day_30: "/api/stats?bucket=day",
    stats_day_400: `/api/stats?bucket=day&from=${dayOf(399)}`,
    stats_day_30_of_workspace: `/api/stats?bucket=day&workspace_id=${workspace}`,
    stats_day_30_of_pair: `/api/stats?bucket=day&workspace_id=${workspace}&device_id=${device}`,
    stats_hour_24: "/api/stats?bucket=hour",
    stats_hour_31_days: `/api/stats?bucket=hour&from=${dayOf(30)}`,
    timeline: "/api/timeline?limit=50",
    timeline_of_workspace: `/api/timeline?limit=50&workspace_id=${workspace}`,
    timeline_git: "/api/timeline?limit=50&types=git_activity",
    repositories: "/api/workspaces?limit=50",
    places: "/api/workspaces?limit=500",
    repository: `/api/workspaces/${workspace}`,
    commits: `/api/commits?workspace_id=${workspace}&limit=50`,
    devices: "/api/devices?limit=100",
    device: `/api/devices/${device}`,
    jobs: "/api/jobs?limit=50",
    job_counts: "/api/jobs/counts",
    job_queues: "/api/queues",
    job_schedules: "/api/schedules",
    ingest_health: "/api/ingest/health",
    ingest_notes: "/api/ingest/notes?limit=50",
    keys: "/api/keys?limit=100",
    key_audit: "/api/keys/audit?limit=20",
    prices: "/api/prices",
    storage: "/api/storage",
    setup: "/api/setup",
  };
}

async function time({ reader }: Hub, path: string): Promise<number[]> {
  const latencies_ms: number[] = [];
  for (let n = -WARM_UP_REQUESTS; n < REQUESTS; n++) {
    const startedAt_ms = performance.now();
    const response = await fetch(`http://127.0.0.1:${reader.port}${path}`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
    await response.arrayBuffer();
    if (n >= 0) latencies_ms.push(performance.now() - startedAt_ms);
  }
  return latencies_ms;
}
