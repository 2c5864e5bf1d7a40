/**
 * Measures the search over HTTP on generated sessions: for a hundred questions in other words, whether the right session is the first,
 * among five, among fifty; and how long questions, names, parts, misspelled words and filters take, one request at a time. Usage:
 * bun run bench:search [--documents N] [--sessions N] [--slow MS]: the database stays in the temporary folder for the next run of
 * that size; `--slow` prints the requests that take longer.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { INCIDENTS } from "../../packages/server/src/search/__tests__/corpus/incidents.ts";
import { startBenchPostgres } from "./postgres.ts";
import { percentile, progress, report, rounded } from "./report.ts";
import { IS_SMOKE, roundsOr, sized } from "./scale.ts";
import { idsOfIncidents, measureDisk, prepareDatabase } from "./search/database.ts";
import { QUERIES, type Query } from "./search/queries.ts";
import { ADMIN_KEY, KEEP_OPEN, startServer } from "./server.ts";

const ROUNDS = roundsOr(3);

type Answer = { results: { session: { id: string } }[]; tier: string | null; has_more: boolean };
type Timed = Query & { ms: number; answer: Answer };

const { values: options } = parseArgs({
  options: {
    documents: { type: "string", default: String(sized(5_000_000, 1_500)) },
    sessions: { type: "string", default: "" },
    slow: { type: "string", default: "" },
  },
});
const documents = Number(options.documents);
/** As in a hub with 19,195 sessions: 260 documents each. */
const sessions = Number(options.sessions || Math.max(100, Math.round(documents / 260)));
const size = { documents, sessions };
const keptDir = join(tmpdir(), `wharf-bench-search-${process.getuid?.()}-${documents}-${sessions}`);

const bench = await startBenchPostgres(IS_SMOKE ? undefined : keptDir);
try {
  const { url, build_s } = await prepareDatabase(bench, size);
  if (build_s !== null) progress(`built in ${build_s} s; kept in ${keptDir}`);
  const server = await startServer(url, KEEP_OPEN);
  try {
    await measure(server.port, { build_s, ...(await measureDisk(url)) });
  } finally {
    await server.stop();
  }
} finally {
  await bench.stop();
}

async function measure(port: number, figures: Record<string, number | null>): Promise<void> {
  const ids = idsOfIncidents(size);
  const timed: Timed[] = [];
  // One round to warm up, as a server that runs for a minute is.
  for (let round = 0; round <= ROUNDS; round++)
    for (const query of QUERIES) {
      const one = await ask(port, query);
      if (round > 0) timed.push(one);
    }
  printSlow(timed);
  const questions = timed.filter(({ group }) => group === "question").slice(0, INCIDENTS.length);
  const places = questions.map(({ answer }, index) =>
    answer.results.findIndex(({ session }) => session.id === ids[index]),
  );
  process.stdout.write(`${groupTable(timed)}\n${tierTable(questions, places)}\n`);
  const times = timed.map(({ ms }) => ms);
  report({
    hit_1: hits(places, 1),
    hit_5: hits(places, 5),
    hit_50: hits(places, 50),
    p50_ms: rounded(percentile(times, 0.5)),
    p99_ms: rounded(percentile(times, 0.99)),
    question_p99_ms: rounded(
      percentile(
        questions.map(({ ms }) => ms),
        0.99,
      ),
    ),
    ...size,
    ...figures,
    rounds: ROUNDS,
    requests: times.length,
  });
}

async function ask(port: number, query: Query): Promise<Timed> {
  const startedAt = performance.now();
  const path = `/api/search?limit=50&q=${encodeURIComponent(query.q.slice(0, 5_000))}`;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  const text = await response.text();
  const ms = performance.now() - startedAt;
  if (!response.ok) throw new Error(`${query.q} was answered with ${response.status}: ${text}`);
  const answer: Answer = JSON.parse(text);
  return { ...query, ms, answer };
}

function hits(places: readonly number[], first: number): number {
  return places.filter((place) => place >= 0 && place < first).length;
}

function printSlow(timed: readonly Timed[]): void {
  if (options.slow === "") return;
  const slow = timed.filter(({ ms }) => ms > Number(options.slow)).sort((a, b) => b.ms - a.ms);
  for (const { group, q, ms, answer } of slow.slice(0, 40))
    progress(`${rounded(ms)} ms ${group} ${answer.tier} ${answer.results.length}: ${q.slice(0, 100)}`);
}

function groupTable(timed: readonly Timed[]): string {
  const groups = [...new Set(timed.map(({ group }) => group))].map((group) => {
    const times = timed.filter((one) => one.group === group).map(({ ms }) => ms);
    return [
      group,
      String(times.length),
      ...[0.5, 0.99, 1].map((p) => rounded(percentile(times, p)).toFixed(1)),
    ];
  });
  return table([["", "requests", "p50 ms", "p99 ms", "max ms"], ...groups]);
}

/** By the weakest tier of each page: how many questions, and where their sessions are. */
function tierTable(questions: readonly Timed[], places: readonly number[]): string {
  const tiers = [...new Set(questions.map(({ answer }) => answer.tier))].map((tier) => {
    const of = places.filter((_, index) => questions[index]?.answer.tier === tier);
    return [String(tier), String(of.length), ...[1, 5, 50].map((first) => String(hits(of, first)))];
  });
  return table([["tier", "questions", "hit@1", "hit@5", "hit@50"], ...tiers]);
}

function table(rows: readonly string[][]): string {
  return rows
    .map(([first = "", ...others]) => [first.padEnd(16), ...others.map((cell) => cell.padStart(9))].join(" "))
    .join("\n");
}
