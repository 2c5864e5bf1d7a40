import { parseArgs } from "node:util";
import { hasPgBouncer } from "@wharf/testkit";
import { readTestCases, type TestCase } from "@wharf/testkit/junit";
import { runTestFiles, withTestRun } from "@wharf/testkit/test-run";
import { SCENES, type Scene } from "./scenes.ts";

/**
 * A program, `bun run test:faults [--seed N] [--runs N] [--only WORDS] [--events N]`: runs the tests of every scene with one seed, which it
 * prints, and as its last line a summary of all runs as JSON. Each run has the next seed. `--events` is the size of the database on which
 * the new version boots. Exits with 1 if a scene failed, or if none of its tests ran although all that it needs is installed.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 31)}` },
    runs: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    events: { type: "string", default: "" },
  },
});
const scenes = SCENES.filter(({ fault, file }) => `${fault} ${file}`.includes(values.only));
const files = [...new Set(scenes.map(({ file }) => file))];
const tests = scenes.map((scene) => scene.tests.source).join("|");

const startedAt_ms = performance.now();
const runs: Run[] = [];
for (let n = 0; n < Number(values.runs); n++) runs.push(await run(Number(values.seed) + n));
const summary = summaryOf(runs);
process.stdout.write(`${JSON.stringify(summary)}\n`);
process.exit(summary.ok ? 0 : 1);

type Run = { seed: number; seconds: number; code: number; cases: TestCase[] };
type Counts = Record<TestCase["result"], number>;

async function run(seed: number): Promise<Run> {
  process.stdout.write(`Seed ${seed}, ${scenes.length} scenes in ${files.length} files.\n`);
  const begun_ms = performance.now();
  const env = { WHARF_FAULTS: "1", WHARF_TEST_SEED: `${seed}`, WHARF_TEST_EVENTS: values.events };
  // With a Postgres of its own, so that what a run leaves behind does not change the next one.
  const { code, junit } = await withTestRun((shared) =>
    runTestFiles(files, { ...shared, ...env }, ["--test-name-pattern", tests]),
  );
  return { seed, seconds: secondsSince(begun_ms), code, cases: readTestCases(junit) };
}

function summaryOf(all: readonly Run[]) {
  const failures = all.flatMap(({ seed, code, cases }) => {
    const failed = scenes.filter((scene) => hasFailed(scene, countsOf(scene, cases)));
    if (failed.length > 0) return failed.map(({ fault }) => ({ seed, fault }));
    return code === 0 ? [] : [{ seed, fault: `none, but the tests ended with code ${code}` }];
  });
  return {
    ok: failures.length === 0,
    failures,
    skipped: scenes.flatMap((scene) => {
      const because = reasonToSkip(scene);
      return because === undefined ? [] : [{ fault: scene.fault, because }];
    }),
    seconds: secondsSince(startedAt_ms),
    runs: all.map(({ seed, seconds }) => ({ seed, seconds })),
    scenes: scenes.map((scene) => {
      const counts = all.map(({ cases }) => countsOf(scene, cases));
      const total = (name: keyof Counts) => counts.reduce((sum, each) => sum + each[name], 0);
      const tests = { passed: total("passed"), failed: total("failed"), skipped: total("skipped") };
      return { fault: scene.fault, invariants: scene.invariants, ...tests };
    }),
  };
}

function reasonToSkip({ needsPgBouncer = false }: Scene): string | undefined {
  return needsPgBouncer && !hasPgBouncer ? "PgBouncer is not installed" : undefined;
}

/** A scene that ran no test has shown nothing. */
function hasFailed(scene: Scene, { passed, failed }: Counts): boolean {
  return failed > 0 || (passed === 0 && reasonToSkip(scene) === undefined);
}

function countsOf(scene: Scene, cases: readonly TestCase[]): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { file, classname, name, result } of cases)
    if (file === scene.file && scene.tests.test(`${classname} ${name}`)) counts[result] += 1;
  return counts;
}

function secondsSince(begin_ms: number): number {
  return Math.round((performance.now() - begin_ms) / 1000);
}
