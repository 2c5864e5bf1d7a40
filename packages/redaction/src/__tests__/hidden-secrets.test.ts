import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createMarker, createRedactor, SECRET_RULES } from "../index.ts";

const redactor = createRedactor({ mark: createMarker("a key of the hub") });
const examples = SECRET_RULES.map(({ id, example_parts }) => ({ id, example: example_parts.join("") }));
/** As some programs do: letters and digits, too. */
const encodeAll = (text: string) =>
  [...text].map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");

function secretsIn(redact: (counts: Map<string, number>) => string): { text: string; found: number } {
  const counts = new Map<string, number>();
  const text = redact(counts);
  return { text, found: [...counts.values()].reduce((sum, count) => sum + count, 0) };
}

describe("a secret that is encoded for a URL", () => {
  for (const { id, example } of examples) {
    test(`is found: ${id}`, () => {
      for (const encoded of [
        encodeURIComponent(example),
        encodeURIComponent(encodeURIComponent(example)),
        encodeAll(example),
      ]) {
        const { text, found } = secretsIn((counts) => redactor.text(`?next=${encoded}&page=2`, counts));
        expect(found).toBeGreaterThan(0);
        expect(redactor.text(text)).toBe(text);
        expect(redactor.line(JSON.stringify({ url: `?next=${encoded}&page=2` }))).toContain("[REDACTED:");
      }
    });
  }

  test("has the marker of the plain one, and leaves the text around it", () => {
    const markerOf = (text: string) => /\[REDACTED:[^\]]+\]/.exec(redactor.text(text))?.[0];
    const password = ["F4ke+", "Passw0rd/", "9x7"].join("");
    const plain = markerOf(`export DB_PASSWORD=${password}`);
    const url = `/login?a=%C3%A9&q=DB_PASSWORD%3D${encodeURIComponent(password)} b=%20`;
    expect(redactor.text(url)).toBe(`/login?a=%C3%A9&q=DB_PASSWORD%3D${plain} b=%20`);
  });

  test("costs linear time", () => {
    const text = "%25".repeat(400_000);
    const startedAt = performance.now();
    expect(redactor.text(text)).toBe(text);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});

const pieces = fc.constantFrom(
  ...examples.flatMap(({ example }) => [example, encodeURIComponent(example)]),
  ...['"', "\\", "\\n", "\n", "\t", "/", " ", ": ", "=", "%20", "\u001b[0m", "é", "password", "api_key"],
  ...["bot", "cookie", "-----BEGIN", "curl -u me:", "Q~", "aZ3kQ9xW7bT1mR5v"],
);
const text = fc.array(pieces, { maxLength: 4 }).map((parts) => parts.join(""));
const value = fc.oneof(
  text,
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom("a", "password", "api_key", "cookie"), text),
);

/** With some letters of the text written as \uXXXX. */
function escaped(json: string, every: number): string {
  let letters = 0;
  return json.replace(/(?<!\\)[A-Za-z_](?![A-Za-z]*\\)/g, (letter) =>
    every > 0 && ++letters % every === 0
      ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`
      : letter,
  );
}

test("a line is searched string by string whenever one of its strings holds a secret", () => {
  fc.assert(
    fc.property(
      value,
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 0, max: 7 }),
      (sent, depth, every) => {
        let json = JSON.stringify(sent);
        for (let level = 0; level < depth; level++) json = JSON.stringify({ text: json });
        json = escaped(json, every);
        // Space before a colon: every string of the line is looked at.
        const whole = redactor.line(`{"n" : 1,"value":${json}}`);
        expect(redactor.line(`{"n":1,"value":${json}}`)).toBe(whole.replace('"n" : 1', '"n":1'));
      },
    ),
    { numRuns: 3_000 },
  );
});

test("a line is searched behind escapes and unusual spaces", () => {
  const password = ["F4ke", "Passw0rd", "9x7"].join("-");
  const hidden = password.replace("P", "\\u0050");
  for (const line of [
    `{"password":      "${password}"}`,
    `{"password"\t:"${password}"}`,
    `{"text":${JSON.stringify(`{"password":"${hidden}"}`)}}`,
    `{"text":${JSON.stringify(JSON.stringify({ a: `x\n${examples[0]?.example}` }))}}`,
  ]) {
    const { text, found } = secretsIn((counts) => redactor.line(line, counts));
    expect([line, found]).toEqual([line, 1]);
    expect(() => JSON.parse(text)).not.toThrow();
  }
});
