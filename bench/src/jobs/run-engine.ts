import { median } from "../report.ts";
import { sized } from "../scale.ts";
import { openGraphile } from "./graphile.ts";
import { type Engine, measureBulk, measureLatency, measureThroughput } from "./measure.ts";
import { openPgBoss } from "./pg-boss.ts";
import { measurePinned } from "./pinned.ts";
import { openWharf } from "./wharf.ts";

const JOBS = sized(60_000, 200);
const LATENCY_SAMPLES = sized(150, 5);
const DEADLINE_MS = sized(20_000, 5_000);
/** Peers at their defaults take minutes for 60,000: their rate shows with fewer. */
const DEFAULT_JOBS = sized(5000, 20);
const DEFAULT_DEADLINE_MS = sized(5000, 1000);

type Phase = (engine: Engine, url: string) => Promise<number>;

const bulk: Phase = (engine) => measureBulk(engine, JOBS);
const noop =
  (settings: string): Phase =>
  (engine) =>
    measureThroughput(engine, settings, JOBS, DEADLINE_MS);
const slow: Phase = (engine) => measureThroughput(engine, "default", DEFAULT_JOBS, DEFAULT_DEADLINE_MS);
const start =
  (settings: string): Phase =>
  async (engine) =>
    median(await measureLatency(engine, settings, LATENCY_SAMPLES));
const pinned: Phase = (engine, url) => measurePinned(engine, url, "default");

const ENGINES: Record<
  string,
  { open(url: string, root: string): Promise<Engine>; phases: Record<string, Phase> }
> = {
  wharf: {
    open: openWharf,
    phases: {
      bulk,
      noop_default: noop("default"),
      start_p50: start("default"),
      notify_p50: start("notify"),
      xmin_last_vs_first: pinned,
    },
  },
  graphile: {
    open: openGraphile,
    phases: {
      bulk,
      noop_default: slow,
      noop_q500: noop("q500"),
      noop_q2000: noop("q2000"),
      noop_c200: noop("c200"),
      start_p50: start("default"),
    },
  },
  pgboss: {
    open: openPgBoss,
    phases: {
      bulk,
      noop_default: slow,
      noop_b1000w4: noop("b1000w4"),
      noop_b2000w2: noop("b2000w2"),
      start_p50: start("notify"),
    },
  },
};

/** One engine, all its phases, in a process of its own; prints one line of JSON. Usage: run-engine.ts NAME URL CHECKOUT. */
const [name = "", url = "", root = ""] = process.argv.slice(2);
const entry = ENGINES[name];
if (entry === undefined) throw new Error(`No such engine: ${name}`);
const engine = await entry.open(url, root);
const figures: Record<string, number> = {};
for (const [phase, measure] of Object.entries(entry.phases)) figures[phase] = await measure(engine, url);
process.stdout.write(`${JSON.stringify(figures)}\n`);
await engine.close();
process.exit(0);
