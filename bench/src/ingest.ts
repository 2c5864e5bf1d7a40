/**
 * Measures ingest over HTTP, compared with COPY and with a plain server. Usage: bun run bench:ingest [--against DIRECTORY]: a
 * checkout of another version, measured in turn with this one; batch_vs_before and single_vs_before are then in the report.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { type Checkout, readCheckouts, serverProgram } from "./checkout.ts";
import {
  BATCH_EVENTS,
  COPY_ROWS_PER_CONNECTION,
  type Files,
  NAIVE_EVENTS,
  prepareTemplate,
  SINGLE_EVENTS,
  templateOf,
  WARM_UP_EVENTS,
  WARM_UP_SINGLES,
  writeFiles,
} from "./ingest-data.ts";
import { startBenchPostgres } from "./postgres.ts";
import { cpuSeconds, peakMemoryMb, startProgram } from "./processes.ts";
import { median, progress, report, rounded } from "./report.ts";
import { roundsOr } from "./scale.ts";
import { ADMIN_KEY, startServer } from "./server.ts";

/** On a shared machine the ratios of single rounds lay between 0.26 and 0.49. */
const ROUNDS = roundsOr(9);
const BATCH_CONNECTIONS = 32;
const SINGLE_CONNECTIONS = 256;

type LoadResult = { requests: number; seconds: number; p50_ms: number; p99_ms: number; failures: number };
type ProductResult = { rate: number; p99_ms: number; cpu_s_per_million: number; memory_mb: number };

const { now, before } = readCheckouts();
const bench = await startBenchPostgres();
const folder = await mkdtemp(join(tmpdir(), "wharf-bench-data-"));
try {
  for (const checkout of before === null ? [now] : [now, before]) await prepareTemplate(bench, checkout);
  await run(await writeFiles(folder));
} finally {
  await bench.stop();
  await rm(folder, { recursive: true, force: true });
}

async function run(files: Files): Promise<void> {
  const copy: number[] = [];
  const naive: number[] = [];
  const batch: ProductResult[] = [];
  const single: ProductResult[] = [];
  const batchBefore: number[] = [];
  const singleBefore: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    copy.push(await measureCopy(files));
    batch.push(await measureBatches(now, files));
    single.push(await measureSingles(now, files));
    if (before !== null) {
      batchBefore.push((await measureBatches(before, files)).rate);
      singleBefore.push((await measureSingles(before, files)).rate);
    }
    naive.push(await measureNaive(files));
    const last = [copy.at(-1), batch.at(-1)?.rate, single.at(-1)?.rate, naive.at(-1)].map((rate) =>
      Math.round(rate ?? 0),
    );
    progress(
      `round ${round}/${ROUNDS}: copy2 ${last[0]}/s, batches ${last[1]}/s, singles ${last[2]}/s, naive ${last[3]}/s`,
    );
  }
  const ratio = (ours: readonly { rate: number }[], theirs: readonly number[]) =>
    rounded(median(ours.map(({ rate }, round) => rate / (theirs[round] ?? Number.NaN))));
  report({
    batch_vs_copy2: ratio(batch, copy),
    single_vs_copy2: ratio(single, copy),
    single_vs_naive: ratio(single, naive),
    ...(before === null
      ? {}
      : { batch_vs_before: ratio(batch, batchBefore), single_vs_before: ratio(single, singleBefore) }),
    single_p99_ms: rounded(median(single.map(({ p99_ms }) => p99_ms)), 1),
    server_cpu_s_per_million: rounded(median(batch.map((result) => result.cpu_s_per_million)), 1),
    server_memory_mb_max: Math.max(
      ...batch.map((result) => result.memory_mb),
      ...single.map((result) => result.memory_mb),
    ),
    copy2_per_s: Math.round(median(copy)),
    batch_per_s: Math.round(median(batch.map(({ rate }) => rate))),
    single_per_s: Math.round(median(single.map(({ rate }) => rate))),
    naive_per_s: Math.round(median(naive)),
    rounds: ROUNDS,
  });
}

/** The ceiling: two connections that COPY the same rows into the same table, with all its keys and indexes. */
async function measureCopy(files: Files): Promise<number> {
  const url = await bench.recreate("bench_copy", templateOf(now));
  const children = files.copies.map((file) =>
    Bun.spawn([process.execPath, join(import.meta.dir, "copy-load.ts"), url, file], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    }),
  );
  await Promise.all(children.map((child) => child.stdout.getReader().read()));
  const startedAt = performance.now();
  await Promise.all(
    children.map(async (child) => {
      await child.stdin.write("go\n");
      await child.stdin.end();
    }),
  );
  await Promise.all(children.map((child) => child.exited));
  const seconds = (performance.now() - startedAt) / 1000;
  const rows = COPY_ROWS_PER_CONNECTION * files.copies.length;
  await countEvents(url, rows);
  return rows / seconds;
}

function measureBatches(checkout: Checkout, files: Files): Promise<ProductResult> {
  return measureProduct(checkout, files, files.batches, BATCH_EVENTS, BATCH_CONNECTIONS);
}

function measureSingles(checkout: Checkout, files: Files): Promise<ProductResult> {
  return measureProduct(checkout, files, files.singles, SINGLE_EVENTS, SINGLE_CONNECTIONS);
}

async function measureProduct(
  checkout: Checkout,
  files: Files,
  bodies: string,
  events: number,
  connections: number,
): Promise<ProductResult> {
  const url = await bench.recreate("bench_product", templateOf(checkout));
  const server = await startServer(url, {}, serverProgram(checkout));
  const port = `${server.port}`;
  await load(port, BATCH_CONNECTIONS, files.warmUp);
  await load(port, SINGLE_CONNECTIONS, files.warmUpSingles);
  const cpuBefore = cpuSeconds(server.pid);
  const result = await load(port, connections, bodies);
  const cpu = cpuSeconds(server.pid) - cpuBefore;
  const memory_mb = peakMemoryMb(server.pid);
  await server.stop();
  await countEvents(url, events + WARM_UP_EVENTS + WARM_UP_SINGLES);
  return {
    rate: events / result.seconds,
    p99_ms: result.p99_ms,
    cpu_s_per_million: (cpu / events) * 1e6,
    memory_mb,
  };
}

async function measureNaive(files: Files): Promise<number> {
  const url = await bench.recreate("bench_naive", templateOf(now));
  const server = await startProgram(
    [process.execPath, join(import.meta.dir, "naive-server.ts"), url, ADMIN_KEY],
    /^\d+$/,
  );
  await load(server.line, SINGLE_CONNECTIONS, files.warmUpSingles);
  const result = await load(server.line, SINGLE_CONNECTIONS, files.naive);
  await server.stop();
  await countEvents(url, NAIVE_EVENTS + WARM_UP_SINGLES);
  return NAIVE_EVENTS / result.seconds;
}

async function load(port: string, connections: number, bodies: string): Promise<LoadResult> {
  const command = [
    process.execPath,
    join(import.meta.dir, "http-load.ts"),
    port,
    ADMIN_KEY,
    String(connections),
    bodies,
  ];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const result: LoadResult = JSON.parse(await new Response(child.stdout).text());
  if (result.failures > 0) throw new Error(`${result.failures} requests were not acknowledged`);
  return result;
}

/** Every figure counts rows in the table, not answers. */
async function countEvents(url: string, expected: number): Promise<void> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql<{ count: number }[]>`SELECT count(*)::int AS count FROM events`;
  await sql.end();
  if (row?.count !== expected) throw new Error(`${row?.count} events are stored instead of ${expected}`);
}
