/**
 * Measures what the dashboard needs of a hub of two server processes: live streams, plots, and the page of a long session in Chromium.
 * Each part adds its figures to the last line. Usage: bun run bench:dashboard [--only TEXT]. Fails when a figure is above its bound.
 */
import { parseArgs } from "node:util";
import { type Hub, startHub } from "./dashboard/hub.ts";
import { measureLatency, measureViewers } from "./dashboard/live.ts";
import { measureSessionPage } from "./dashboard/session-page.ts";
import { measureStats } from "./dashboard/stats.ts";
import { progress, report } from "./report.ts";
import { IS_SMOKE } from "./scale.ts";

type Figures = Record<string, number>;

const PARTS: Record<string, (hub: Hub) => Promise<Figures>> = {
  live: measureLatency,
  viewers: measureViewers,
  stats: measureStats,
  session: measureSessionPage,
};

const BOUNDS: Figures = {
  live_p99_ms: 100,
  viewers_added_mb: 100,
  stats_days_p99_ms: 50,
  stats_hours_p99_ms: 50,
  session_content_p50_ms: 300,
  session_frame_p99_ms: 50,
  session_find_p50_ms: 200,
};

const { values: options } = parseArgs({ options: { only: { type: "string", default: "" } } });

const hub = await startHub();
try {
  const figures: Figures = {};
  for (const [name, measure] of Object.entries(PARTS)) {
    if (!name.includes(options.only)) continue;
    const measured = await measure(hub);
    progress(`${name}: ${JSON.stringify(measured)}`);
    Object.assign(figures, measured);
  }
  const exceeded = Object.keys(BOUNDS).filter((name) => (figures[name] ?? 0) > (BOUNDS[name] ?? 0));
  if (exceeded.length > 0 && !IS_SMOKE) process.exitCode = 1;
  report({ ...figures, exceeded });
} finally {
  await hub.stop();
}
