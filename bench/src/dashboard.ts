/**
 * Measures what the dashboard needs of a hub of two server processes: live streams, lists and plots with five million events, and the page of
 * a long session in Chromium. Each part adds its figures to the last line. Usage: bun run bench:dashboard [--only TEXT] [--events N]. Fails
 * when a figure is above its bound.
 */
import { parseArgs } from "node:util";
import { type Hub, startHub } from "./dashboard/hub.ts";
import { measureLists } from "./dashboard/lists.ts";
import { measureLatency, measureViewers } from "./dashboard/live.ts";
import { measureSessionPage } from "./dashboard/session-page.ts";
import { progress, report } from "./report.ts";
import { IS_SMOKE, sized } from "./scale.ts";

type Figures = Record<string, number>;

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    events: { type: "string", default: String(sized(5_000_000, 10_000)) },
  },
});

const PARTS: Record<string, (hub: Hub) => Promise<Figures>> = {
  live: measureLatency,
  viewers: measureViewers,
  lists: (hub) => measureLists(hub, Number(options.events)),
  session: measureSessionPage,
};

const BOUNDS: Figures = {
  live_p99_ms: 100,
  viewers_added_mb: 100,
  session_content_p50_ms: 300,
  session_frame_p99_ms: 50,
  session_find_p50_ms: 200,
};

/** Of each list and plot. */
const LIST_P99_MS = 50;
const LIST = /^list_.*_p99_ms$/;

const hub = await startHub();
try {
  const figures: Figures = {};
  for (const [name, measure] of Object.entries(PARTS)) {
    if (!name.includes(options.only)) continue;
    const measured = await measure(hub);
    progress(`${name}: ${JSON.stringify(measured)}`);
    Object.assign(figures, measured);
  }
  const boundOf = (name: string) =>
    BOUNDS[name] ?? (LIST.test(name) ? LIST_P99_MS : Number.POSITIVE_INFINITY);
  const exceeded = Object.entries(figures).flatMap(([name, figure]) => (figure > boundOf(name) ? name : []));
  if (exceeded.length > 0 && !IS_SMOKE) process.exitCode = 1;
  report({ ...figures, exceeded });
} finally {
  await hub.stop();
}
