import { expect, test } from "bun:test";
import { RE2JS } from "re2js";
import { createFinder } from "../find-secrets.ts";
import { createKeywordIndex } from "../keywords.ts";
import { SECRET_RULES } from "../rules.ts";

test("rules have ids of their own, and keywords that their example holds", () => {
  expect(new Set(SECRET_RULES.map((rule) => rule.id)).size).toBe(SECRET_RULES.length);
  const { scan } = createKeywordIndex(
    SECRET_RULES.map((rule) => ({ owner: rule.id, keywords: rule.keywords, at: createFinder(rule).at })),
  );
  for (const rule of SECRET_RULES) expect(scan(rule.example_parts.join("")).owners).toContain(rule.id);
});

test("patterns use what RE2 allows: no backreference, no lookaround", () => {
  for (const { pattern, require, reject, continues, ends } of SECRET_RULES) {
    for (const expression of [pattern, require, reject, continues, ends]) {
      if (expression !== undefined) expect(() => RE2JS.compile(expression)).not.toThrow();
    }
  }
});

test("a keyword in lower case stands for any case; one with a capital for itself", () => {
  const { scan } = createKeywordIndex([
    { owner: "any", keywords: ["bearer"] },
    { owner: "exact", keywords: ["SK0", "Q~."] },
  ]);
  expect(scan("Authorization: BEARER x").owners).toEqual(["any"]);
  expect(scan("sk0 q~. beare").owners).toEqual([]);
  expect(scan("İ SK0 bEaReR").owners).toEqual(["any", "exact"]);
  expect(() => createKeywordIndex([{ owner: 1, keywords: ["ke"] }])).toThrow("three ASCII characters");
  expect(() => createKeywordIndex([{ owner: 1, keywords: ["éat"] }])).toThrow("three ASCII characters");
});
