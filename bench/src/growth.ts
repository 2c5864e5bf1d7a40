/**
 * Measures reads and writes of one server process and of three, on one Postgres, and the CPU of servers, Postgres and clients, so that it
 * can be told what bounds them. Usage: bun run bench:growth [--sessions N] [--events N].
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import postgres from "postgres";
import { createRandom } from "./events.ts";
import { type Cost, type CpuOf, perUnit } from "./growth/cost.ts";
import { readFor } from "./growth/read-load.ts";
import { writeEvents } from "./growth/write-load.ts";
import { databaseUrl, startBenchPostgres } from "./postgres.ts";
import { postgresCpuSeconds } from "./postgres-cpu.ts";
import { cpuSeconds } from "./processes.ts";
import { type Case, createCases } from "./read/cases.ts";
import { prepareDatabase } from "./read/database.ts";
import { median, progress, report, rounded } from "./report.ts";
import { roundsOr, sized } from "./scale.ts";
import { ADMIN_KEY, KEEP_OPEN, type Server, startServer } from "./server.ts";

const ROUNDS = roundsOr(3);
const PROCESSES = [1, 3];
const READ_S = sized(10, 0.2);
const WARM_UP_S = sized(3, 0.1);
const WRITTEN_EVENTS = sized(60_000, 600);
const SEED = 20_261_130;

type Measured = { reads: Cost[]; writes: Cost[] };

const { values: options } = parseArgs({
  options: {
    sessions: { type: "string", default: String(sized(20_000, 400)) },
    events: { type: "string", default: String(sized(500_000, 8_000)) },
  },
});

const bench = await startBenchPostgres();
const folder = await mkdtemp(join(tmpdir(), "wharf-bench-growth-"));
try {
  await run();
} finally {
  await bench.stop();
  await rm(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const size = { sessions: Number(options.sessions), events: Number(options.events) };
  const { database, sessions, events } = await prepareDatabase(bench, size);
  const url = databaseUrl(bench.url, database);
  const random = createRandom(SEED);
  const measured = new Map(PROCESSES.map((count): [number, Measured] => [count, { reads: [], writes: [] }]));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [count, { reads, writes }] of measured) {
      const { read, written } = await measure(url, count, random);
      reads.push(read);
      writes.push(written);
      progress(
        `round ${round}/${ROUNDS}, ${count} processes: ${Math.round(read.rate)} reads/s, ${Math.round(written.rate)} events/s`,
      );
    }
  }
  const processes = Object.fromEntries(
    [...measured].map(([count, { reads, writes }]) => [
      count,
      { reads: summary(reads), writes: summary(writes) },
    ]),
  );
  report({ processes, sessions, events, rounds: ROUNDS });
}

async function measure(url: string, count: number, random: () => number) {
  const servers: Server[] = [];
  const sql = postgres(url, { max: 1 });
  try {
    for (let n = 0; n < count; n++) servers.push(await startServer(url, KEEP_OPEN));
    const ports = servers.map(({ port }) => port);
    const cases = await casesOf(sql, ports[0] ?? 0);
    const cpu = async (): Promise<CpuOf> => ({
      servers: servers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
      postgres: await postgresCpuSeconds(sql),
    });
    await readFor(ports, cases, WARM_UP_S);
    const read = await perUnit(cpu, () => readFor(ports, cases, READ_S));
    const write = () => writeEvents(ports, WRITTEN_EVENTS, random, folder);
    await write();
    return { read, written: await perUnit(cpu, write) };
  } finally {
    for (const server of servers) await server.stop();
    await sql.end();
  }
}

/** Every list, timeline and detail of usual size. */
async function casesOf(sql: postgres.Sql, port: number): Promise<Case[]> {
  const cases = await createCases(sql, async (path) => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null ? { ...body } : {};
  });
  return cases.filter(({ group, name }) => group !== "largest_page" && !name.includes("limit=1000"));
}

/**
 * `cores_busy`: of all together. `cores_for_twice`: with so many, three processes do at least twice what one does, which has one core:
 * what its servers, Postgres and clients need for that.
 */
function summary(costs: readonly Cost[]) {
  const of = (name: keyof Cost) => median(costs.map((cost) => cost[name]));
  const [servers, ofPostgres, clients] = [of("servers_ms"), of("postgres_ms"), of("clients_ms")];
  return {
    per_s: Math.round(of("rate")),
    server_cpu_ms: rounded(servers, 3),
    postgres_cpu_ms: rounded(ofPostgres, 3),
    client_cpu_ms: rounded(clients, 3),
    cores_busy: rounded(of("cores_busy")),
    cores_for_twice: rounded((2 * (servers + ofPostgres + clients)) / servers, 1),
  };
}
