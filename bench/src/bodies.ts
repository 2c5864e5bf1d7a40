/**
 * Measures for how long a single request body keeps the server from answering others: bodies of at most 64 KB that were made to cost
 * as much as possible, and seeded random ones. Usage: bun run bench:bodies [--seed N] [--fuzzed N] [--only TEXT]. Fails when
 * GET /health/live took longer than 250 ms in each of three tries of one body.
 */
import { parseArgs } from "node:util";
import { fuzzedBody, type HostileBody, KNOWN_BODIES } from "./bodies/hostile.ts";
import { startTarget, type Target } from "./bodies/target.ts";
import { createRandom } from "./events.ts";
import { progress, report, rounded } from "./report.ts";
import { IS_SMOKE, sized } from "./scale.ts";
import { ADMIN_KEY } from "./server.ts";

const SENT_BYTES_MAX = 64 * 1024;
const STALL_MS_MAX = 250;
/** Other programs on the machine stall a probe as well: the fastest of these tries counts. */
const TRIES = sized(3, 1);

type Measured = { name: string; sent_bytes: number; status: number; stall_ms: number; answered_ms: number };

const { values: options } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    fuzzed: { type: "string", default: String(sized(60, 2)) },
    only: { type: "string", default: "" },
  },
});

const target = await startTarget();
try {
  await run(target);
} finally {
  await target.stop();
}

async function run(server: Target): Promise<void> {
  const probe = await server.startProbe("");
  await Bun.sleep(2_000);
  const quiet_ms = (await probe.figures()).slowest_ms;
  const measured: Measured[] = [];
  let tooLarge = 0;
  for (const make of bodiesToSend()) {
    const hostile = make();
    if (!hostile.name.includes(options.only)) continue;
    if (hostile.body.byteLength > SENT_BYTES_MAX) tooLarge += 1;
    else measured.push(await measureAtQuietest(hostile, server.port, probe.figures));
    const last = measured.at(-1);
    if (last !== undefined)
      progress(`${last.stall_ms} ms stalled, ${last.status} after ${last.answered_ms} ms: ${last.name}`);
  }
  probe.stop();
  const slowest = [...measured].sort((a, b) => b.stall_ms - a.stall_ms);
  const holds = (slowest[0]?.stall_ms ?? 0) <= STALL_MS_MAX;
  if (!holds && !IS_SMOKE) process.exitCode = 1;
  report({
    holds,
    stall_ms_max: slowest[0]?.stall_ms ?? 0,
    quiet_ms,
    bodies: measured.length,
    skipped_above_64_kb: tooLarge,
    seed: Number(options.seed),
    slowest: slowest.slice(0, 5),
  });
}

function* bodiesToSend(): Generator<() => HostileBody> {
  yield* KNOWN_BODIES.slice(0, sized(KNOWN_BODIES.length, 3));
  const random = createRandom(Number(options.seed));
  for (let made = 0; made < Number(options.fuzzed); made++) yield () => fuzzedBody(random);
}

type Figures = () => Promise<{ slowest_ms: number }>;

async function measureAtQuietest(hostile: HostileBody, port: number, figures: Figures): Promise<Measured> {
  const first = await measure(hostile, port, figures);
  let quietest = first;
  for (let tries = 1; tries < TRIES && quietest.stall_ms > STALL_MS_MAX; tries++) {
    const again = await measure(hostile, port, figures);
    if (again.stall_ms < quietest.stall_ms) quietest = again;
  }
  return quietest;
}

async function measure({ name, path, headers, body }: HostileBody, port: number, figures: Figures) {
  await figures();
  const startedAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
    body,
  });
  await response.arrayBuffer();
  const answered_ms = rounded(performance.now() - startedAt, 0);
  // Until the probe that was waiting meanwhile has its answer.
  await Bun.sleep(50);
  const { slowest_ms } = await figures();
  return { name, sent_bytes: body.byteLength, status: response.status, stall_ms: slowest_ms, answered_ms };
}
