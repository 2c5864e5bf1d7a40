/**
 * Measures the parsing of generated Claude Code transcripts: by the parser alone, and from kept bytes to rows with their search documents.
 * Usage: bun run bench:parse [--mb N] [--file-mb N]: so many MB of transcripts in each round, and the size of the one file, with a line
 * of 15 MB, whose parsing may add memory.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import postgres from "postgres";
import { createPostgresBlobStore } from "../../packages/server/src/blobs/postgres-store.ts";
import { openDatabase } from "../../packages/server/src/db/database.ts";
import { migratePhases } from "../../packages/server/src/db/phases.ts";
import { storeFile } from "../../packages/server/src/transcripts/__tests__/store-file.ts";
import { claudeCode, createLineSplitter, readRecord } from "../../packages/transcripts/src/index.ts";
import { turnsOf } from "./parse/transcript.ts";
import { type BenchPostgres, startBenchPostgres } from "./postgres.ts";
import { postgresCpuSeconds } from "./postgres-cpu.ts";
import { median, progress, report, rounded } from "./report.ts";
import { roundsOr, sized } from "./scale.ts";

const PROGRAM = join(import.meta.dir, "../../packages/server/src/transcripts/__tests__/parse-program.ts");
const ROUNDS = roundsOr(3);
const MB = 1_000_000;
const SESSION_MB = sized(10, 1);
/** As a device sends them. */
const PART_BYTES = 4 * MB;
const LONG_LINE_BYTES = sized(15 * MB, MB);
const LINE_BYTES_MAX = 32 * 1024 * 1024;

type Run = { cpu_s: number; wall_s: number; rss_mb: number };

const { values: options } = parseArgs({
  options: {
    mb: { type: "string", default: String(sized(100, 2)) },
    "file-mb": { type: "string", default: String(sized(1_000, 3)) },
  },
});
const mb = Number(options.mb);
const fileMb = Number(options["file-mb"]);

const bench = await startBenchPostgres();
try {
  await run(bench);
} finally {
  await bench.stop();
}

async function run({ recreate, admin }: BenchPostgres): Promise<void> {
  const parser: number[] = [];
  const whole: number[] = [];
  const messages: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`round ${round}/${ROUNDS}`);
    parser.push(parserMbPerCpuSecond());
    const url = await recreate("bench_parse", "template0");
    const stored = await storeSessions(url);
    const parsed = await parseAll(url, admin);
    whole.push(stored.bytes / MB / parsed.cpu_s);
    messages.push((await countMessages(url)) / parsed.wall_s);
  }
  const added_rss_mb = await addedMemory(recreate, admin);
  report({
    parser_mb_per_cpu_s: rounded(median(parser)),
    whole_mb_per_cpu_s: rounded(median(whole)),
    messages_per_s: Math.round(median(messages)),
    added_rss_mb,
    mb,
    file_mb: fileMb,
    rounds: ROUNDS,
  });
}

/** Splitting, JSON and parser of one session, in this process. */
function parserMbPerCpuSecond(): number {
  const parts = [...partsOf("parser", SESSION_MB * MB)].map((part) => new TextEncoder().encode(part));
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const splitter = createLineSplitter({ line_bytes_max: LINE_BYTES_MAX });
  const state = claudeCode.begin({ session_id: "parser", file: "main.jsonl" });
  const before = process.cpuUsage();
  let line_number = 0;
  let facts = 0;
  for (const part of parts)
    for (const line of splitter.push(part)) {
      line_number += 1;
      const read = "text" in line ? readRecord(line.text) : null;
      if (read?.line === "record") facts += claudeCode.read(state, read.record, line_number).length;
    }
  if (facts === 0) throw new Error("the parser found nothing");
  const { user, system } = process.cpuUsage(before);
  return bytes / (user + system);
}

/** Lines in parts of at most PART_BYTES. */
function* partsOf(session_id: string, bytes: number): Generator<string> {
  let part = "";
  for (const turn of turnsOf(session_id, bytes)) {
    part += turn;
    if (part.length < PART_BYTES) continue;
    yield part;
    part = "";
  }
  if (part !== "") yield part;
}

async function storeSessions(url: string): Promise<{ bytes: number }> {
  return await withStore(url, async (store) => {
    let bytes = 0;
    for (let session = 0; session * SESSION_MB < mb; session++)
      bytes += await store(`session-${session}`, partsOf(`session-${session}`, SESSION_MB * MB));
    return { bytes };
  });
}

type Store = (session_id: string, parts: Iterable<string>) => Promise<number>;

async function withStore<T>(url: string, use: (store: Store) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  await migratePhases(sql);
  const database = openDatabase(url, { deadlineMs: 60_000, max: 2 });
  const blobs = createPostgresBlobStore(database);
  const store: Store = async (session_id, parts) => {
    let bytes = 0;
    for (const part of parts) {
      await storeFile(sql, blobs, { session_id, agent: "claude-code", parts: [part] });
      bytes += Buffer.byteLength(part);
    }
    return bytes;
  };
  try {
    return await use(store);
  } finally {
    await database.close();
    await sql.end();
  }
}

/** Parses all that is stored in a process of its own. CPU: that process and Postgres together. */
async function parseAll(url: string, admin: postgres.Sql): Promise<Run> {
  const cpuBefore = await postgresCpuSeconds(admin);
  const startedAt = performance.now();
  const child = Bun.spawn([process.execPath, PROGRAM], {
    env: { ...process.env, DATABASE_URL: url },
    stdout: "ignore",
    stderr: "inherit",
  });
  if ((await child.exited) !== 0) throw new Error("parsing failed");
  const wall_s = (performance.now() - startedAt) / 1_000;
  const usage = child.resourceUsage();
  if (usage === undefined) throw new Error("the process has no figures");
  const cpu_s = Number(usage.cpuTime.total) / MB + (await postgresCpuSeconds(admin)) - cpuBefore;
  return { cpu_s, wall_s, rss_mb: usage.maxRSS / MB };
}

async function countMessages(url: string): Promise<number> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql<{ count: number }[]>`SELECT count(*)::int FROM transcript_messages`;
  await sql.end();
  return row?.count ?? 0;
}

/** What one large file adds to a process that parses a small one, in MB. */
async function addedMemory(recreate: BenchPostgres["recreate"], admin: postgres.Sql): Promise<number> {
  progress(`a file of ${fileMb} MB`);
  const url = await recreate("bench_parse", "template0");
  await withStore(url, (store) => store("small", partsOf("small", MB / 10)));
  const small = await parseAll(url, admin);
  await withStore(url, (store) => store("large", largeFile()));
  const large = await parseAll(url, admin);
  return Math.round(large.rss_mb - small.rss_mb);
}

function* largeFile(): Generator<string> {
  const bytes = fileMb * MB - LONG_LINE_BYTES;
  let written = 0;
  let isLongLineWritten = false;
  for (const part of partsOf("large", bytes)) {
    yield part;
    written += part.length;
    if (isLongLineWritten || written < bytes / 2) continue;
    isLongLineWritten = true;
    const content = [{ type: "text", text: "a long text ".repeat(LONG_LINE_BYTES / 12) }];
    yield `${JSON.stringify({ type: "user", uuid: "long", sessionId: "large", message: { role: "user", content } })}\n`;
  }
}
