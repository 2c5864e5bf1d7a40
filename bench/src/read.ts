/**
 * Measures every list, the timeline and every detail over HTTP, one request at a time, on a database of 100,000 sessions and
 * five million events. Usage: bun run bench:read [--sessions N] [--events N] [--keep] [--only TEXT]: `--keep` keeps the database
 * for the next run, `--only` measures the cases whose names hold the text.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import postgres from "postgres";
import { type BenchPostgres, databaseUrl, startBenchPostgres } from "./postgres.ts";
import { type Case, createCases, type Group } from "./read/cases.ts";
import { cpuBetween, readCpu, stolenSeconds } from "./read/cpu.ts";
import { prepareDatabase } from "./read/database.ts";
import { type HttpReader, openReader } from "./read/http-reader.ts";
import { median, percentile, progress, report, rounded } from "./report.ts";
import { roundsOr, sized } from "./scale.ts";
import { ADMIN_KEY, KEEP_OPEN, startServer } from "./server.ts";

const ROUNDS = roundsOr(5);
/** Of each case in each round: enough for a 99th percentile that is not the slowest. */
const REQUESTS = sized(150, 2);
const WARM_UP_REQUESTS = sized(20, 1);
const GROUPS: readonly Group[] = ["list", "timeline", "detail", "largest_page"];

type Figures = { p50: number[]; p99: number[]; cpu: number[] };
type Summary = { case: Case; p50_ms: number; p99_ms: number; cpu_ms: number };
type Target = { reader: HttpReader; sql: postgres.Sql; serverPid: number };

const { values: options } = parseArgs({
  options: {
    sessions: { type: "string", default: String(sized(100_000, 400)) },
    events: { type: "string", default: String(sized(5_000_000, 8_000)) },
    keep: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});
const size = { sessions: Number(options.sessions), events: Number(options.events) };

const bench = await startBenchPostgres(
  options.keep
    ? join(tmpdir(), `wharf-bench-read-${process.getuid?.()}-${size.sessions}-${size.events}`)
    : undefined,
);
try {
  await run(bench);
} finally {
  await bench.stop();
}

async function run(postgresServer: BenchPostgres): Promise<void> {
  const rows = await prepareDatabase(postgresServer, size);
  const url = databaseUrl(postgresServer.url, rows.database);
  const server = await startServer(url, KEEP_OPEN);
  const { port } = server;
  const sql = postgres(url, { max: 1 });
  const reader = await openReader(port, ADMIN_KEY);
  try {
    const all = await createCases(sql, (path) => getJson(port, path));
    const cases = all.filter(({ group, name }) => `${group} ${name}`.includes(options.only));
    const target = { reader, sql, serverPid: server.pid };
    const stolenBefore = stolenSeconds();
    const summaries = summarize(cases, await measure(target, cases));
    process.stdout.write(`${table(summaries)}\n`);
    const { sessions, events } = rows;
    report({
      ...worstOfEach(summaries),
      sessions,
      events,
      rounds: ROUNDS,
      requests: REQUESTS,
      connections: 1,
      stolen_cpu_s: rounded(stolenSeconds() - stolenBefore),
    });
  } finally {
    reader.close();
    await sql.end();
    await server.stop();
  }
}

async function getJson(port: number, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
  const body: unknown = await response.json();
  return typeof body === "object" && body !== null ? { ...body } : {};
}

/** The cases take turns, so that what disturbs the machine for a while does not fall on one of them alone. */
async function measure(target: Target, cases: readonly Case[]): Promise<Figures[]> {
  const figures = cases.map((): Figures => ({ p50: [], p99: [], cpu: [] }));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [position, { path }] of cases.entries()) {
      const { latencies_ms, cpu_ms } = await timeCase(target, path);
      figures[position]?.p50.push(percentile(latencies_ms, 0.5));
      figures[position]?.p99.push(percentile(latencies_ms, 0.99));
      figures[position]?.cpu.push(cpu_ms);
    }
    progress(`round ${round}/${ROUNDS} of ${cases.length} cases`);
  }
  return figures;
}

/** `cpu_ms`: of one request, in the server and in Postgres; unlike the latency it hardly depends on what else runs. */
async function timeCase({ reader, sql, serverPid }: Target, path: Case["path"]) {
  for (let request = 0; request < WARM_UP_REQUESTS; request++) await reader.time(path(request));
  // Ours alone: what we left behind of the answers before must not be swept up within one that is timed.
  Bun.gc(true);
  const before = await readCpu(sql, serverPid);
  const latencies_ms: number[] = [];
  for (let request = 0; request < REQUESTS; request++) latencies_ms.push(await reader.time(path(request)));
  const cpu_s = cpuBetween(before, await readCpu(sql, serverPid));
  return { latencies_ms, cpu_ms: (cpu_s * 1000) / REQUESTS };
}

function summarize(cases: readonly Case[], figures: readonly Figures[]): Summary[] {
  return cases.map((one, position) => ({
    case: one,
    p50_ms: rounded(median(figures[position]?.p50 ?? [])),
    p99_ms: rounded(median(figures[position]?.p99 ?? [])),
    cpu_ms: rounded(median(figures[position]?.cpu ?? [])),
  }));
}

function table(summaries: readonly Summary[]): string {
  const line = (group: string, name: string, ...figures: string[]) =>
    [group.padEnd(13), name.padEnd(58), ...figures.map((figure) => figure.padStart(8))].join(" ");
  const lines = summaries.map(({ case: { group, name }, p50_ms, p99_ms, cpu_ms }) =>
    line(group, name, ...[p50_ms, p99_ms, cpu_ms].map((ms) => ms.toFixed(2))),
  );
  return [line("", "", "p50 ms", "p99 ms", "CPU ms"), ...lines].join("\n");
}

/** `list_p99_ms`, `list_worst` and so on: of each group its slowest case. */
function worstOfEach(summaries: readonly Summary[]): Record<string, number | string> {
  const entries = GROUPS.flatMap((group) => {
    const worst = summaries
      .filter((one) => one.case.group === group)
      .reduce<Summary | undefined>(
        (slowest, one) => (slowest && slowest.p99_ms >= one.p99_ms ? slowest : one),
        undefined,
      );
    return worst === undefined
      ? []
      : [
          [`${group}_p99_ms`, worst.p99_ms],
          [`${group}_worst`, worst.case.name],
        ];
  });
  return Object.fromEntries(entries);
}
