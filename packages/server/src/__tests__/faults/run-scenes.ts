import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { TEST_TIMEOUT_MS } from "@wharf/testkit";
import { SCENES } from "./scenes.ts";
import { ROOT } from "./server-process.ts";

/**
 * A program, `bun run test:faults [--seed N] [--times N] [--only WORDS] [--events N]`: runs the tests of every scene with one seed, which it
 * prints, and as its last line a summary as JSON. `--events` is the size of the database on which the new version boots. Exits with 1 if a
 * scene failed, or if none of its tests ran.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 31)}` },
    times: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    events: { type: "string", default: "" },
  },
});
const scenes = SCENES.filter(({ fault, file }) => `${fault} ${file}`.includes(values.only));
const files = [...new Set(scenes.map(({ file }) => file))];
type Result = { fault: string; invariants: string; passed: number; failed: number; skipped: number };

const rounds: { seed: number; scenes: Result[] }[] = [];
for (let round = 0; round < Number(values.times); round++) {
  const seed = Number(values.seed) + round;
  process.stdout.write(`Seed ${seed}, ${scenes.length} scenes in ${files.length} files.\n`);
  const cases: TestCase[] = [];
  for (const file of files) cases.push(...(await runFile(file, seed)));
  rounds.push({ seed, scenes: scenes.map((scene) => resultOf(scene, cases)) });
}
const failures = rounds.flatMap(({ seed, scenes: results }) =>
  results.filter(isFailure).map(({ fault }) => ({ seed, fault })),
);
process.stdout.write(`${JSON.stringify({ ok: failures.length === 0, failures, rounds })}\n`);
process.exit(failures.length === 0 ? 0 : 1);

type TestCase = { file: string; name: string; outcome: "passed" | "failed" | "skipped" };

async function runFile(file: string, seed: number): Promise<TestCase[]> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-scenes-"));
  const report = join(folder, "report.xml");
  const options = [`--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit", `--reporter-outfile=${report}`];
  const child = Bun.spawn([process.execPath, "test", ...options, file], {
    cwd: ROOT,
    env: { ...process.env, WHARF_FAULTS: "1", WHARF_TEST_SEED: `${seed}`, WHARF_TEST_EVENTS: values.events },
    stdio: ["ignore", "inherit", "inherit"],
  });
  await child.exited;
  const xml = await readFile(report, "utf8").catch(() => "");
  await rm(folder, { recursive: true });
  return [...xml.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)].map(
    ([, attributes = "", body = ""]) => {
      const of = (name: string) => new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
      const outcome = body.includes("<failure") ? "failed" : body.includes("<skipped") ? "skipped" : "passed";
      return { file, name: `${of("classname")} ${of("name")}`, outcome };
    },
  );
}

function resultOf(
  { fault, file, tests, invariants }: (typeof SCENES)[number],
  cases: readonly TestCase[],
): Result {
  const own = cases.filter((each) => each.file === file && tests.test(each.name));
  const count = (outcome: TestCase["outcome"]) => own.filter((each) => each.outcome === outcome).length;
  return { fault, invariants, passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/** A scene that ran no test shows nothing, unless what it needs is not installed. */
function isFailure({ passed, failed, skipped }: Result): boolean {
  return failed > 0 || passed + skipped === 0;
}
