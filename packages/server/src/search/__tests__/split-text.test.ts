import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { vectorOf } from "../document-vector.ts";
import { splitText } from "../split-text.ts";

/** Each token's atoms, and its wholes with the atom where they begin. */
function split(text: string): string[] {
  return splitText(text).map(({ atoms, wholes }) =>
    [
      atoms.map(({ lexeme }) => lexeme).join(","),
      ...wholes.map(({ lexeme, atom }) => `${lexeme}@${atom}`),
    ].join(" "),
  );
}

describe("splitText", () => {
  test.each([
    ["fetchSomeData", ["fetch,some,data fetchsomedata@0"]],
    ["get_user_id", ["get,user,id getuserid@0 get_user_id@0"]],
    ["HTTPServer2", ["http,server2 httpserver2@0"]],
    ["fetchSomeData.test.ts", ["fetch,some,data,test,ts fetchsomedata@0 fetchsomedata.test.ts@0"]],
    ["foo-bar", ["foo,bar foobar@0 foo-bar@0"]],
    ["src/a/b.ts:12", ["src,a,b,ts b.ts@2 a/b.ts@1 src/a/b.ts@0", "12"]],
    ["C:\\Temp\\x.log", ["c", "temp,x,log x.log@1 temp\\x.log@0"]],
    ["std::vec (v1.2)", ["std", "vec", "v1,2 v1.2@0"]],
    ["Café", ["cafe"]],
    ["日本語", ["日本,本語,語 日本語@0"]],
    ["don't --force ./run.sh", ["don", "t", "force", "run,sh run.sh@0"]],
    [" ?! … \u0000 ", []],
  ])("splits %p", (text, tokens) => {
    expect(split(text)).toEqual(tokens);
  });

  test("leaves out redaction markers, and keeps the offsets of what follows", () => {
    const text = "key [REDACTED:aws-access-key:1a2b3c4d] used";
    expect(splitText(text).map(({ atoms }) => text.slice(atoms[0]?.start, atoms.at(-1)?.end))).toEqual([
      "key",
      "used",
    ]);
  });

  test("finds each atom where it stands", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => {
        const atoms = splitText(text).flatMap((token) => token.atoms);
        // The last character of a bigram begins the next one.
        const isInOrder = atoms.every(
          ({ start, end }, index) => end > start && start >= (atoms[index - 1]?.end ?? 0) - 2,
        );
        expect([isInOrder, (atoms.at(-1)?.end ?? 0) <= text.length]).toEqual([true, true]);
      }),
      { numRuns: 50 },
    );
  });

  test("takes time in proportion to the text, also for a single endless token", () => {
    const names = Array.from({ length: 60_000 }, (_, n) => `aB${n}/`).join("");
    for (const text of [...["a/", "a_", "aB", "日"].map((token) => token.repeat(50_000)), names]) {
      const startedAt = performance.now();
      splitText(text);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    }
  });
});

describe("vectorOf", () => {
  test("writes tokens, atoms and positions, and the stems of prose", () => {
    expect(vectorOf("Connecting fetchSo", "prompt", ["@is:prompt"]).literal).toBe(
      "'connecting':1 '~connect':1 'fetchso':2 'fetch':2 'so':3 '@is:prompt' '^connect' '^fetch' '^so'",
    );
    expect(vectorOf("Connecting", "thinking", []).literal).toBe("'connecting':1 '~connect':1");
    expect(vectorOf("Connecting", "tool_output", []).literal).toBe("'connecting':1");
  });

  test("keeps names for close spellings, without hashes and numbers", () => {
    const { tokens } = vectorOf("sha256 of 9f86d081884c7d65 is get_user_id 123456", "tool_output", []);
    expect([...tokens]).toEqual(["sha256", "getuserid", "get_user_id", "get", "user"]);
  });

  test("keeps positions and occurrences within what Postgres stores", () => {
    const { literal } = vectorOf(`${"a ".repeat(20_000)}end`, "tool_output", []);
    expect(literal.split(",").length).toBe(255);
    expect(literal).toEndWith(" 'end'");
  });
});
