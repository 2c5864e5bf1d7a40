import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { parser } from "@prometheus-io/lezer-promql";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { z } from "zod";
import { migratePhases } from "../db/phases.ts";
import { ADMIN_KEY, startServer } from "./faults/server-process.ts";

const DOCS = join(import.meta.dir, "../../../../docs");
const RANGE_FUNCTIONS = ["increase", "rate", "irate", "delta"];
/** A range has to contain several scrapes, and an alert must fire within hours. */
const SCRAPE_S = 15;
const RANGE_S = { min: 4 * SCRAPE_S, max: 3600 };
const WAIT_S = { min: 60, max: 3600 };

const duration = z.string().regex(/^\d+[smh]$/);
const ruleSchema = z.strictObject({
  alert: z.string().regex(/^[A-Z][A-Za-z]+$/),
  expr: z.string().min(1),
  for: duration,
  labels: z.strictObject({ severity: z.enum(["warning", "critical"]) }),
  annotations: z.strictObject({ summary: z.string().min(1), runbook: z.string() }),
});
const fileSchema = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string().min(1), rules: z.array(ruleSchema).min(1) })).min(1),
});

setDefaultTimeout(TEST_TIMEOUT_MS);
const database = useTestDatabase({ migrate: migratePhases });
/** The type of each metric that a server answers with, by name. */
let exposition: Map<string, string>;

beforeAll(async () => {
  const server = await startServer({ DATABASE_URL: database.url });
  const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  const types = (await answer.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm);
  exposition = new Map([...types].map(([, name = "", type = ""]) => [name, type]));
  server.program.kill("SIGTERM");
  await server.program.exited;
});
const text = await Bun.file(join(DOCS, "alerts.yml")).text();
const rules = fileSchema.parse(Bun.YAML.parse(text)).groups.flatMap((group) => group.rules);

/** The names of the syntax tree's nodes, with the text of each; a part that is no PromQL is a node named ⚠. */
function nodesOf(expression: string) {
  const nodes: { name: string; text: string }[] = [];
  parser.parse(expression).iterate({
    enter: ({ name, from, to }) => {
      nodes.push({ name, text: expression.slice(from, to) });
    },
  });
  return nodes;
}

const textsOf = (expression: string, name: string) =>
  nodesOf(expression)
    .filter((node) => node.name === name)
    .map((node) => node.text);

/** The metrics that an expression selects, without their labels. */
const namesOf = (expression: string) =>
  textsOf(expression, "VectorSelector").map((selector) => selector.replace(/\{.*/s, ""));

function seconds(text: string): number {
  const unit = { s: 1, m: 60, h: 3600 }[text.slice(-1)] ?? Number.NaN;
  return Number(text.slice(0, -1)) * unit;
}

/** What Prometheus stores under a metric of the exposition. */
function seriesOf([name, type]: [string, string]): string[] {
  return type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

function anchorsOf(page: string): string[] {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe("the alert rules", () => {
  test("are all there, each under a name of its own", () => {
    const names = rules.map((rule) => rule.alert);
    expect(names).toEqual(expect.arrayContaining(["JobsFail", "JobsStuck", "JobDatabaseErrors"]));
    expect(new Set(names).size).toBe(names.length);
  });

  test("ask for failures by the ratio that operators know, above a tenth", () => {
    const expression = rules.find((rule) => rule.alert === "JobsFail")?.expr.replaceAll(/\s+/g, " ");
    expect(expression).toBe(
      "sum(increase(phase6_task_failed_total[5m])) / sum(increase(phase6_task_submitted_total[5m])) > 0.1",
    );
  });

  test("are checked by a parser that refuses what is no PromQL", () => {
    for (const wrong of ["sum(a[5m]", "rate(a[5x])", "a{b=} > 1", "a > ", "sum by le (a)"]) {
      expect(textsOf(wrong, "⚠")).not.toEqual([]);
    }
  });

  for (const { alert, expr, annotations, ...rule } of rules) {
    test(`${alert} is PromQL that compares or asks for an absence`, () => {
      expect(textsOf(expr, "⚠")).toEqual([]);
      expect(nodesOf(expr).some(({ name }) => ["Gtr", "Lss", "Absent"].includes(name))).toBe(true);
    });

    test(`${alert} names metrics that the server writes`, () => {
      const known = [...exposition].flatMap(seriesOf);
      const named = namesOf(expr);
      expect(named).not.toEqual([]);
      for (const name of named) expect(known).toContain(name);
    });

    test(`${alert} takes the increase of counters alone, over ranges that hold several scrapes`, () => {
      const counters = [...exposition].filter(([, type]) => type !== "gauge").flatMap(seriesOf);
      const ranges = textsOf(expr, "MatrixSelector");
      for (const range of ranges) {
        const [, name = "", time = ""] = range.match(/^(\w+)(?:\{[^}]*\})?\[(\w+)\]$/) ?? [];
        expect(counters).toContain(name);
        expect(seconds(time)).toBeWithin(RANGE_S.min, RANGE_S.max + 1);
      }
      const calls = textsOf(expr, "FunctionIdentifier").filter((name) => RANGE_FUNCTIONS.includes(name));
      expect(calls).toHaveLength(ranges.length);
      const selected = namesOf(expr).filter((name) => counters.includes(name));
      expect(selected).toHaveLength(ranges.length);
    });

    test(`${alert} waits for minutes and leads to a section of a page`, async () => {
      expect(seconds(rule.for)).toBeWithin(WAIT_S.min, WAIT_S.max + 1);
      const [page = "", anchor = ""] = annotations.runbook.split("#");
      expect(["docs/runbook.md", "docs/ingest-trouble.md"]).toContain(page);
      expect(anchorsOf(await Bun.file(join(DOCS, "..", page)).text())).toContain(anchor);
    });
  }
});
