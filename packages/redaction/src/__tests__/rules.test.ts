import { expect, test } from "bun:test";
import { RE2JS } from "re2js";
import { createKeywordIndex } from "../keywords.ts";
import { SECRET_RULES } from "../rules.ts";

test("rules have ids of their own, and keywords that their example holds", () => {
  expect(new Set(SECRET_RULES.map((rule) => rule.id)).size).toBe(SECRET_RULES.length);
  const { ownersIn } = createKeywordIndex(SECRET_RULES.map((rule) => ({ owner: rule.id, ...rule })));
  for (const rule of SECRET_RULES) expect(ownersIn(rule.example_parts.join(""))).toContain(rule.id);
});

test("patterns use what RE2 allows: no backreference, no lookaround", () => {
  for (const { pattern, require, reject } of SECRET_RULES) {
    for (const expression of [pattern, require, reject]) {
      if (expression !== undefined) expect(() => RE2JS.compile(expression)).not.toThrow();
    }
  }
});

test("a keyword in lower case stands for any case; one with a capital for itself", () => {
  const { ownersIn } = createKeywordIndex([
    { owner: "any", keywords: ["bearer"] },
    { owner: "exact", keywords: ["SK", "Q~"] },
  ]);
  expect(ownersIn("Authorization: BEARER x")).toEqual(["any"]);
  expect(ownersIn("sk q~ beare")).toEqual([]);
  expect(ownersIn("İ SK bEaReR")).toEqual(["any", "exact"]);
  expect(() => createKeywordIndex([{ owner: 1, keywords: ["k"] }])).toThrow("two ASCII characters");
  expect(() => createKeywordIndex([{ owner: 1, keywords: ["éa"] }])).toThrow("two ASCII characters");
});
