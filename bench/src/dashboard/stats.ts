import { percentile, progress, rounded } from "../report.ts";
import { sized } from "../scale.ts";
import { ADMIN_KEY } from "../server.ts";
import type { Hub } from "./hub.ts";

const EVENTS = sized(5_000_000, 5_000);
const DEVICES = 10;
const WORKSPACES = 200;
/** The events are spread over a year. */
const DAYS = 365;
const REQUESTS = sized(150, 2);
const CHUNK = 250_000;

/** GET /api/stats for 30 days by day and 24 hours by hour, with five million events of a year. */
export async function measureStats(hub: Hub): Promise<Record<string, number>> {
  await writeEvents(hub);
  const day = await time(hub, "/api/stats?bucket=day");
  const hour = await time(hub, "/api/stats?bucket=hour");
  return {
    stats_events: EVENTS,
    stats_days_p50_ms: rounded(percentile(day, 0.5)),
    stats_days_p99_ms: rounded(percentile(day, 0.99)),
    stats_hours_p50_ms: rounded(percentile(hour, 0.5)),
    stats_hours_p99_ms: rounded(percentile(hour, 0.99)),
  };
}

async function writeEvents({ sql }: Hub): Promise<void> {
  await sql`INSERT INTO devices (id, name, type) SELECT 'device-' || n, 'device', 'local' FROM generate_series(1, ${DEVICES}) n`;
  await sql`
    INSERT INTO workspaces (id, canonical_id, display_name)
    SELECT 'workspace-' || n, 'github.com/acme/w' || n, 'w' || n FROM generate_series(1, ${WORKSPACES}) n`;
  for (let from = 0; from < EVENTS; from += CHUNK) {
    await sql`
      INSERT INTO events (id, type, timestamp, device_id, workspace_id, data)
      SELECT 'e' || lpad(n::text, 25, '0'), 'tool.use', now() - (n::float8 / ${EVENTS}) * ${DAYS} * interval '1 day',
        'device-' || 1 + n % ${DEVICES}, 'workspace-' || 1 + n % ${WORKSPACES}, '{}'
      FROM generate_series(${from}::int, ${Math.min(EVENTS, from + CHUNK) - 1}::int) n`;
    progress(`${from + CHUNK} events written`);
  }
  await sql`VACUUM (ANALYZE, FREEZE) events`;
}

async function time({ reader }: Hub, path: string): Promise<number[]> {
  const latencies_ms: number[] = [];
  for (let n = 0; n < REQUESTS; n++) {
    const startedAt_ms = performance.now();
    const response = await fetch(`http://127.0.0.1:${reader.port}${path}`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
    await response.arrayBuffer();
    latencies_ms.push(performance.now() - startedAt_ms);
  }
  return latencies_ms;
}
