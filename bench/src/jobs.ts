/**
 * Measures the job engine, compared with pg-boss and graphile-worker. Usage: bun run bench:jobs [--against DIRECTORY]: a checkout of
 * another version, measured in turn with this one; noop_vs_before and its siblings are then in the report.
 */
import { join } from "node:path";
import { readCheckouts } from "./checkout.ts";
import { type BenchPostgres, startBenchPostgres } from "./postgres.ts";
import { median, progress, report, rounded } from "./report.ts";
import { roundsOr } from "./scale.ts";

const ROUNDS = roundsOr(5);

type EngineName = "graphile" | "wharf" | "before" | "pgboss";
type Figures = Record<string, number>;

const { now, before } = readCheckouts();
const ENGINES: readonly EngineName[] = [
  "graphile",
  "wharf",
  ...(before ? ["before" as const] : []),
  "pgboss",
];

const server = await startBenchPostgres();
try {
  report(summarize(await runRounds(server)));
} finally {
  await server.stop();
}
process.exit(0);

/** The engines take turns, each time in a new process and on an empty database. */
async function runRounds(postgres: BenchPostgres) {
  const rounds: Record<EngineName, Figures[]> = { graphile: [], wharf: [], before: [], pgboss: [] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const name of ENGINES) {
      const figures = await runEngine(name, await postgres.recreate(`jobs_${name}`, "template0"));
      rounds[name].push(figures);
      progress(
        `round ${round} ${name}: ${JSON.stringify(figures, (_, value) => (typeof value === "number" ? rounded(value) : value))}`,
      );
    }
  }
  return rounds;
}

async function runEngine(name: EngineName, url: string): Promise<Figures> {
  const program = join(import.meta.dir, "jobs", "run-engine.ts");
  const root = name === "before" && before !== null ? before.root : now.root;
  const child = Bun.spawn([process.execPath, program, name === "before" ? "wharf" : name, url, root], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`The benchmark of ${name} failed; its error is above.`);
  return JSON.parse(output.trim().split("\n").at(-1) ?? "{}");
}

function summarize(rounds: Record<EngineName, Figures[]>) {
  const medians = {
    wharf: mediansOf(rounds.wharf),
    graphile: mediansOf(rounds.graphile),
    pgboss: mediansOf(rounds.pgboss),
  };
  const { wharf, graphile, pgboss } = medians;
  const noop = best(wharf);
  return {
    noop_vs_graphile_best: rounded(noop / best(graphile)),
    noop_vs_pgboss_best: rounded(noop / best(pgboss)),
    bulk_vs_graphile: rounded(figure(wharf, "bulk") / figure(graphile, "bulk")),
    start_p50_vs_graphile: rounded(figure(wharf, "start_p50") / figure(graphile, "start_p50")),
    notify_p50_vs_graphile: rounded(figure(wharf, "notify_p50") / figure(graphile, "start_p50")),
    ...(before === null ? {} : comparedWith(wharf, mediansOf(rounds.before))),
    xmin_last_vs_first: rounded(figure(wharf, "xmin_last_vs_first")),
    rounds: ROUNDS,
    medians,
  };
}

/** Rates: more is better. Times to start: less is better. */
function comparedWith(wharf: Figures, earlier: Figures) {
  const ratio = (name: string) => rounded(figure(wharf, name) / figure(earlier, name));
  return {
    noop_vs_before: rounded(best(wharf) / best(earlier)),
    bulk_vs_before: ratio("bulk"),
    start_p50_vs_before: ratio("start_p50"),
    notify_p50_vs_before: ratio("notify_p50"),
  };
}

function mediansOf(rounds: readonly Figures[]): Figures {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, rounded(median(rounds.map((figures) => figure(figures, name))))]),
  );
}

/** The engine's no-op rate at the settings that suit it most. */
function best(figures: Figures): number {
  const rates = Object.entries(figures).filter(([name]) => name.startsWith("noop_"));
  return Math.max(...rates.map(([, rate]) => rate));
}

function figure(figures: Figures, name: string): number {
  return figures[name] ?? Number.NaN;
}
