import { describe, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { Glob } from "bun";

const ROOT = resolve(import.meta.dir, "../../../..");

/** Phrases that hide the noun of the field. CONTRIBUTING has the glossary. */
const RETIRED: readonly (readonly [RegExp, string])[] = [
  [/\b(?:who|what|which)ever\b/i, "name the role or the thing"],
  [/(?<!\/)\b(?:no|some)body\b(?!"| user|[:|@])/i, "no process, no client, no user"],
  [/\bwho has (?:it|Bun)\b/i, "with Bun installed"],
  [/\bgo(?:es)? on\b/i, "continue, resume"],
  [/\btr(?:y|ied) again\b/i, "retry"],
  [/\bcomes? alone\b/i, "single events"],
  [/\bby the (?:set|row)\b/i, "batched, per row"],
  [/\bbeside\b/i, "next to, concurrent with, compared with"],
  [/\bsays? (?:what|how|which|who|why|so)\b/i, "name, list, describe"],
  [/\btakes? up again\b/i, "resume, retry"],
  [/\bis away\b/i, "is unavailable"],
  [/\bfor ever\b/i, "forever, always"],
  [/\bgive[sn]? (?:way|back)\b|\bheed/i, "yield, release, return, follow"],
  [/\btells? (?:what|how|which|who|why)\b|\bis told\b/i, "name, list, report, receive"],
  [/\blest\b|\bmend(?:s|ed|ing)?\b/i, "so that not, fix"],
];

/**
 * Everything in these files is checked, comments and test names as well. The texts of scenario-api.ts are those of a recorded
 * database.
 */
const TEXTS = [
  "*.md",
  "docs/**/*.{md,yml}",
  "packages/*/README.md",
  "examples/*/README.md",
  ".env.example",
  "docker-compose.yml",
  ".github/**/*",
  "packages/*/{src,scripts}/**/!(language.test|scenario-api).ts",
  "examples/*/src/*.ts",
  "bench/src/**/*.ts",
];

function retiredIn(text: string): string[] {
  return text.split("\n").flatMap((line, index) =>
    RETIRED.flatMap(([pattern, advice]) => {
      const found = pattern.exec(line)?.[0];
      return found === undefined ? [] : [`line ${index + 1}: "${found}" → ${advice}`];
    }),
  );
}

function filesOf(patterns: readonly string[]): string[] {
  return patterns
    .flatMap((pattern) => [...new Glob(pattern).scanSync({ cwd: ROOT, dot: true })])
    .filter((path) => !path.includes("node_modules"))
    .sort();
}

describe("retired phrases", () => {
  for (const path of filesOf(TEXTS)) {
    test(`do not occur in ${path}`, async () => {
      expect(retiredIn(await Bun.file(join(ROOT, path)).text())).toEqual([]);
    });
  }

  test("are found with their line and the advice", () => {
    expect(retiredIn("Events are stored.\nWhoever asks, the job goes on.")).toEqual([
      'line 2: "Whoever" → name the role or the thing',
      'line 2: "goes on" → continue, resume',
    ]);
  });
});
