import { describe, expect, test } from "bun:test";
import { parseQuery, QueryError } from "../parse-query.ts";
import { exactly, loosely } from "../tsquery.ts";

const texts = (query: string) => parseQuery(query).terms.map(({ text }) => text);
const loose = (query: string) => parseQuery(query).terms.map((term) => loosely(term));
const exact = (query: string) => parseQuery(query).terms.map(exactly);

describe("parseQuery", () => {
  test("reads phrases, excluded words and filters", () => {
    const { terms, excluded, filters } = parseQuery(
      'tool:Bash fix "race condition" -windows -"old api" file:src/a.ts device:laptop workspace:acme/site agent:codex ' +
        'model:"gpt 5" after:2026-01-02 before:2026-02-01T10:00:00+02:00 has:error is:prompt is:answer',
    );
    expect(terms.map(({ text, isPhrase }) => [text, isPhrase])).toEqual([
      ["fix", false],
      ["race condition", true],
    ]);
    expect(excluded.terms.map(({ text }) => text)).toEqual(["windows", "old api"]);
    expect(filters).toEqual({
      tool: ["Bash"],
      file: ["src/a.ts"],
      device: ["laptop"],
      workspace: ["acme/site"],
      agent: ["codex"],
      model: ["gpt 5"],
      is: ["prompt", "answer"],
      hasError: true,
      after: "2026-01-02T00:00:00.000Z",
      before: "2026-02-01T08:00:00.000Z",
    });
  });

  test("reads excluded filters, also in quotes", () => {
    const { terms, filters, excluded } = parseQuery(
      'fix -tool:Bash -tool:"Read File" -has:error -is:prompt tool:Edit',
    );
    expect(terms.map(({ text }) => text)).toEqual(["fix"]);
    expect(filters.tool).toEqual(["Edit"]);
    expect(excluded).toMatchObject({
      terms: [],
      filters: { tool: ["Bash", "Read File"], hasError: true, is: ["prompt"] },
    });
    expect(parseQuery("-std::vector").excluded.terms.map(({ text }) => text)).toEqual(["std::vector"]);
  });

  test("reads a colon that belongs to no filter as text", () => {
    expect(texts("std::vector TypeError: http://localhost:3000/a")).toEqual([
      "std::vector",
      "TypeError:",
      "http://localhost:3000/a",
    ]);
  });

  test("leaves out stop words and repetitions, unless there is nothing else", () => {
    expect(texts("how do I fix the login LOGIN test")).toEqual(["fix", "LOGIN", "test"]);
    expect(texts("what is this")).toEqual(["what", "is", "this"]);
    expect(texts('"to be" or')).toEqual(["to be"]);
  });

  test.each([
    ["is:nothing", "is:nothing is unknown. Write is: with one of"],
    ["-is:nothing", "is:nothing is unknown"],
    ["has:luck", "has:luck is unknown. Write has:error"],
    ["after:yesterday", "after:yesterday is no date. Write it as after:2026-03-14 or"],
    ["before:2026-13-45", "before:2026-13-45 is no date"],
    ["-file:a.ts", "-file: is not supported"],
    ["-after:2026-01-02", "-after: is not supported. Write before: instead"],
    ["-before:2026-01-02", "-before: is not supported. Write after: instead"],
  ])("rejects %s with what can be written", (query, message) => {
    expect(() => parseQuery(query)).toThrow(QueryError);
    expect(() => parseQuery(query)).toThrow(message);
  });

  test.each([[""], ["   "], ["-"], ['""'], ["?! & | :* '"], ["\u0000"]])("finds no terms in %p", (query) => {
    expect(parseQuery(query).terms).toEqual([]);
  });

  test("reads at most 24 terms of a long query", () => {
    expect(texts(Array.from({ length: 2_000 }, (_, index) => `w${index}`).join(" ")).length).toBe(24);
  });
});

describe("tsquery", () => {
  test("writes a word with its stem, and a name by its beginning with and without separators", () => {
    expect(exact("connections")).toEqual(["'connections'"]);
    expect(loose("connections")).toEqual(["('connections' | 'connect' | '~connect')"]);
    expect(exact("fetchSomeData")).toEqual(["'fetchsomedata'"]);
    expect(loose("fetchSomeData")).toEqual(["'fetchsomedata':*"]);
    expect(loose("get_user")).toEqual(["('get_user':* | 'getuser':*)"]);
    expect(exact("foo::bar")).toEqual(["('foo' & 'bar')"]);
    expect(exact('"fix src/a.ts"')).toEqual(["('fix' <-> 'src' <-> 'a' <-> 'ts')"]);
  });

  test("writes scripts without spaces as bigrams, and one character as the beginning of one", () => {
    expect(exact('"日本語"')).toEqual(["('日本' <-> '本語')"]);
    expect(exact("語")).toEqual(["'語':*"]);
  });

  test("quotes what Postgres would read as an operator", () => {
    expect(exact("C:\\x'y")).toEqual(["('c' & 'x' & 'y')"]);
    expect(exact("a\\b!c|d:*")).toEqual(["('a\\\\b' & 'c' & 'd')"]);
  });
});
