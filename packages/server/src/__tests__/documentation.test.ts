import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Glob } from "bun";
import manifest from "../../../../package.json";
import { actions } from "../commands/jobs/actions.ts";
import { readArguments } from "../commands/jobs/arguments.ts";
import { operations } from "../openapi/__tests__/described-routes.ts";
import { SCENES } from "./faults/scenes.ts";

const ROOT = resolve(import.meta.dir, "../../../..");
const FILES = ["*.md", "docs/**/*.md", "packages/*/README.md", "examples/*/README.md"];
const paths = FILES.flatMap((pattern) => [...new Glob(pattern).scanSync(ROOT)]).sort();
const pages = new Map(await Promise.all(paths.map(async (path) => [path, await read(path)] as const)));

function read(path: string): Promise<string> {
  return Bun.file(join(ROOT, path)).text();
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\d_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Words as a shell splits them. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
}

async function brokenLinks(path: string, page: string): Promise<string[]> {
  const targets = [...page.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, target = ""]) => target);
  const broken = await Promise.all(
    targets.map(async (target) => {
      const [file = "", anchor] = target.split("#");
      const to = file === "" ? path : join(dirname(path), file);
      if (!existsSync(join(ROOT, to))) return target;
      return anchor === undefined || anchorsOf(await read(to)).includes(anchor) ? undefined : target;
    }),
  );
  return broken.filter((target) => target !== undefined);
}

/** Where paths in prose start. */
const SOURCES = ["", "packages", "packages/server/src", "packages/job-runner/src"];
const fileNames = new Set(
  ["packages/**/*", "bench/src/**/*", "examples/*/src/*", "*"].flatMap((pattern) =>
    [...new Glob(pattern).scanSync(ROOT)]
      .filter((path) => !path.includes("node_modules"))
      .map((path) => basename(path)),
  ),
);

/** Files in backticks. Decisions and the changelog describe the past. */
function missingFiles(path: string, page: string): string[] {
  if (/^docs\/adr\/\d|^CHANGELOG/.test(path)) return [];
  const named = [...page.matchAll(/`(\w[\w./-]*\.(?:ts|sql))`/g)].map(([, file = ""]) => file);
  return named.filter((file) =>
    file.includes("/")
      ? ![...SOURCES, dirname(path)].some((base) => existsSync(join(ROOT, base, file)))
      : !fileNames.has(file),
  );
}

/** As the index of decisions shows it. */
function statusOf(decision: string): string {
  const status = /^\*\*Status\*\*: (accepted|rejected|superseded by \[ADR (\d+)\]\(([^)]+)\))/m.exec(
    decision,
  );
  const [, text, by, file] = status ?? [];
  return by === undefined ? (text ?? "no status") : `superseded by [${by}](${file})`;
}

describe("the documentation", () => {
  const decisions = [...pages].filter(([path]) => /^docs\/adr\/\d/.test(path));

  test("numbers each decision once, in its name and in its heading", () => {
    const numbers = decisions.map(([path]) => Number(/\/(\d{4})-/.exec(path)?.[1]));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers).toEqual(decisions.map(([, page]) => Number(/^# (\d+)\. /.exec(page)?.[1])));
  });

  test("lists each decision with its title and status in the index", () => {
    const rows = decisions.map(([path, page]) => {
      const [, number, title] = /^# (\d+)\. (.+)$/m.exec(page) ?? [];
      return `| ${number} | [${title}](${path.replace("docs/adr/", "")}) | ${statusOf(page)} |`;
    });
    const index = pages.get("docs/adr/README.md") ?? "";
    expect([...(index.match(/^\| \d.*$/gm) ?? [])]).toEqual(rows);
  });

  for (const [path, page] of decisions) {
    test(`${path} has the sections of the template`, () => {
      for (const section of ["Context", "Decision", "Rejected"]) expect(page).toContain(`\n## ${section}\n`);
    });
  }

  test("has the pages that readers look for", () => {
    const wanted = [
      "README.md",
      "ARCHITECTURE.md",
      "docs/README.md",
      "docs/adr/README.md",
      "docs/runbook.md",
      "docs/release.md",
      "packages/job-runner/README.md",
    ];
    expect(paths).toEqual(expect.arrayContaining(wanted));
  });

  for (const [path, page] of pages) {
    test(`${path} has no link that leads nowhere`, async () => {
      expect(await brokenLinks(path, page)).toEqual([]);
    });

    test(`${path} names only files that exist`, () => {
      expect(missingFiles(path, page)).toEqual([]);
    });

    test(`${path} names no command that package.json lacks`, () => {
      const scripts = [...page.matchAll(/\bbun run ([a-z][\w:-]*)/g)].map(([, script]) => script);
      expect([...Object.keys(manifest.scripts), "check"]).toEqual(expect.arrayContaining(scripts));
    });
  }

  test("lists in ARCHITECTURE.md each package with its dependencies", async () => {
    const table = [...(pages.get("ARCHITECTURE.md") ?? "").matchAll(/^\| `([\w-]+)` \| .+ \| (.+) \|$/gm)];
    const rows = new Map(
      table.map(([, name = "", imports = ""]) => [name, imports.split(/[,;] | is optional/)]),
    );
    for (const path of new Glob("packages/*/package.json").scanSync(ROOT)) {
      const { dependencies = {}, peerDependencies = {} } = await Bun.file(join(ROOT, path)).json();
      const names = Object.keys({ ...dependencies, ...peerDependencies });
      const expected = names.map((name) => name.replace("@wharf/", ""));
      expect([path, rows.get(basename(dirname(path)))]).toEqual([path, expect.arrayContaining(expected)]);
    }
  });

  test("calls `bun run jobs` as the command understands it", () => {
    const commands = [...pages.values()].flatMap((page) => [
      ...page.matchAll(/(?:^|`)bun run jobs ([^`#|\n]+)/gm),
    ]);
    const checked = commands.map(([, text = ""]) => {
      const { name = "", operands, options } = readArguments(wordsOf(text));
      const action = actions.get(name);
      expect(action, text).toBeDefined();
      // A command that is only named needs its operand from the sentence around it.
      if (operands.length > 0 || name !== "show") action?.read(operands, options);
      return name;
    });
    expect(new Set(checked).size).toBeGreaterThan(6);
  });

  test("calls routes that the API has, with bodies that they take", () => {
    const calls = [...pages.values()].flatMap((page) => [
      ...page.matchAll(/\bapi (GET|POST|PATCH|DELETE) '?(\/[^\s'`?]+)[^\s`]*(?: '(\{[^']*\})')?/g),
    ]);
    expect(calls.length).toBeGreaterThan(6);
    for (const [text, method, path = "", body] of calls) {
      const found = Object.entries(operations).filter(([route]) => matches(route, `${method} ${path}`));
      expect(found, text).not.toEqual([]);
      const operation = found[0]?.[1];
      const schema = operation?.body ?? operation?.rawBody?.schema;
      if (body !== undefined) expect(schema?.safeParse(JSON.parse(body)).success, text).toBe(true);
    }
  });
});

function matches(route: string, call: string): boolean {
  return new RegExp(`^${route.replaceAll(/:\w+(?:\{[^}]*\})?/g, "[^/]+")}$`).test(call);
}

describe("docs/durability.md", () => {
  test("has a row for every fault that is tested, and no other", async () => {
    const rows = [...(await read("docs/durability.md")).matchAll(/^\| ([^|]+) \| [^|]+ \| ([^|]*)\|$/gm)];
    const faults = rows.slice(rows.findIndex(([, fault]) => fault === "fault") + 1);
    expect(faults.map(([, fault]) => fault)).toEqual(SCENES.map(({ fault }) => fault));
    expect(faults.map(([, , invariants]) => invariants?.trim())).toEqual(
      SCENES.map(({ invariants }) => invariants),
    );
  });

  test.each(SCENES.map(({ fault, file, tests }) => [fault, file, tests] as const))(
    "names tests that exist: %s",
    async (_, file, tests) => {
      const text = await read(file);
      expect(tests.test(text)).toBe(true);
    },
  );
});
