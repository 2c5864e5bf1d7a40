import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createMarker, createRedactor, RedactionTimeError, SECRET_RULES } from "../index.ts";

const redactor = createRedactor({ mark: createMarker("a key of the hub") });
const PASSWORD = ["F4ke", "Passw0rd", "9x7"].join("-");

function exampleOf(id: string): string {
  const rule = SECRET_RULES.find((candidate) => candidate.id === id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  return rule.example_parts.join("");
}

function countsOf(redact: (counts: Map<string, number>) => void): Record<string, number> {
  const counts = new Map<string, number>();
  redact(counts);
  return Object.fromEntries(counts);
}

describe("plain text", () => {
  for (const { id } of SECRET_RULES) {
    test(`replaces the example of ${id}, and nothing of the result a second time`, () => {
      const counts = new Map<string, number>();
      const text = redactor.text(`before ${exampleOf(id)} after`, counts);
      expect([...counts.keys()]).toContain(id);
      expect(text).toMatch(new RegExp(`\\[REDACTED:${id}:[0-9a-f]{8}\\]`));
      expect(redactor.text(text)).toBe(text);
    });
  }

  test("finds each secret behind a terminal's colours and written-out escapes", () => {
    const befores = [
      "\u001b[33m",
      "\u001b[01;31m\u001b[K",
      "\\u001b[0m",
      "\\033[1m",
      "line\\n",
      "\\t",
      "\\\\n",
      '\\"',
      "\\/",
    ];
    for (const { id, example_parts } of SECRET_RULES) {
      const example = example_parts.join("");
      for (const before of befores) {
        const counts = countsOf((found) => redactor.text(`x ${before}${example}\u001b[0m`, found));
        expect([id, before, Object.keys(counts).length > 0]).toEqual([id, before, true]);
      }
    }
  });

  test("replaces what touches a marker, and leaves the marker", () => {
    const marker = "[REDACTED:npm-token:01234567]";
    const clean = redactor.text(`postgres://app:Hx7-${PASSWORD}${marker}@db.example.test/app`);
    expect(clean).toContain(marker);
    expect(clean).not.toContain(PASSWORD);
    expect(redactor.text(clean)).toBe(clean);
  });

  test("keeps prose, code, ids, hashes and URLs", async () => {
    const page = await Bun.file(`${import.meta.dir}/ordinary-text.md`).text();
    expect(countsOf((counts) => redactor.text(page, counts))).toEqual({});
    expect(redactor.text(page)).toBe(page);
  });

  test("gives equal secrets equal markers, and other ones under another key", () => {
    const key = exampleOf("github-token");
    const [first, second] = redactor.text(`${key} ${key}`).split(" ");
    expect(first).toBe(second ?? "");
    expect(createRedactor({ mark: createMarker("another key") }).text(key)).not.toBe(first ?? "");
  });

  test("keeps the user and the host of a URL", () => {
    const url = `postgres://app:${PASSWORD}@db.example.test:5432/app`;
    expect(redactor.text(url)).toMatch(/^postgres:\/\/app:\[REDACTED:url-password:[0-9a-f]{8}\]@db\.example/);
    expect(redactor.text("postgres://app:$PASSWORD@db.example.test/app")).toContain("$PASSWORD");
  });

  test("finds a secret at each place of a long text once", () => {
    const key = exampleOf("github-token");
    for (const before of [57_330, 57_344, 65_500, 65_536, 114_600]) {
      const text = `${"word ".repeat(before / 5)}${key}${" word".repeat(20_000)}`;
      expect(countsOf((counts) => redactor.text(text, counts))).toEqual({ "github-token": 1 });
      expect(redactor.text(text)).not.toContain(key);
    }
  });
});

describe("a line of JSON", () => {
  test("changes the string that holds a secret, and no other byte", () => {
    const line = `{ "n": 1.50,  "text":"key ${exampleOf("npm-token")} \\u00e9", "other":"\\/ \\u00e9" }`;
    const clean = redactor.line(line);
    expect(clean).toMatch(
      /^\{ "n": 1\.50, {2}"text":"key \[REDACTED:npm-token:[0-9a-f]{8}\] é", "other":"\\\/ \\u00e9" \}$/,
    );
    expect(redactor.line(clean)).toBe(clean);
  });

  test("finds secrets behind escapes, in names, lists and JSON inside a string", () => {
    const key = exampleOf("npm-token");
    const hidden = `\\u006e${key.slice(1)}`;
    const nested = JSON.stringify({ command: JSON.stringify({ token: [key] }) });
    for (const line of [`{"a":"x ${hidden}"}`, `{"${key}":1}`, `["${key}"]`, `"${key}"`, nested]) {
      expect(countsOf((counts) => redactor.line(line, counts))).toEqual({ "npm-token": 1 });
      expect(() => JSON.parse(redactor.line(line))).not.toThrow();
    }
  });

  test("takes a member's name into account", () => {
    const clean = redactor.line(JSON.stringify({ db: { password: PASSWORD, host: PASSWORD } }));
    expect(JSON.parse(clean)).toEqual({
      db: { password: expect.stringMatching(/^\[REDACTED:assigned-secret:[0-9a-f]{8}\]$/), host: PASSWORD },
    });
    const counted = { max_tokens: "12000-of-200000", key: 17, password: null };
    expect(redactor.line(JSON.stringify(counted))).toBe(JSON.stringify(counted));
  });

  test("leaves signatures, encrypted content and images alone", () => {
    const blob = `${"QUJD".repeat(100)}AKIA${"Q7".repeat(8)}${"QUJD".repeat(20)}`;
    const line = JSON.stringify({
      signature: blob,
      encrypted_content: `${blob.replaceAll("B", "_")}==`,
      source: { type: "base64", media_type: "image/png", data: blob },
      image_url: `data:image/png;base64,${blob}`,
    });
    expect(redactor.line(line)).toBe(line);
  });

  test("finds secrets in a signature that is none", () => {
    const line = JSON.stringify({ signature: `Signed-off: ${exampleOf("npm-token")}` });
    expect(redactor.line(line)).toContain("[REDACTED:npm-token:");
  });

  test("that is cut or not JSON is plain text", () => {
    const key = exampleOf("npm-token");
    for (const line of [`{"a":"${key}`, `export NPM_TOKEN=${key}`, `{"a":"${key}"} trailing "`]) {
      expect(redactor.line(line)).not.toContain(key);
    }
  });

  test("without a secret is returned unchanged", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const counts = countsOf((found) => redactor.line(json, found));
        if (Object.keys(counts).length === 0) expect(redactor.line(json)).toBe(json);
        else expect(() => JSON.parse(redactor.line(json))).not.toThrow();
      }),
    );
  });

  test("with a secret anywhere in any value never shows it", () => {
    const key = exampleOf("github-fine-grained-pat");
    const around = fc.string({ unit: "binary" }).filter((text) => !/[A-Za-z0-9_]$/.test(text));
    fc.assert(
      fc.property(around, fc.string(), fc.string(), (before, after, name) => {
        const line = JSON.stringify({ [name]: [{ text: `${before}${key}${after}` }] });
        expect(redactor.line(line)).not.toContain(key);
        expect(() => JSON.parse(redactor.line(line))).not.toThrow();
      }),
    );
  });
});

test("stops with an error and the remedy when its time is used up", () => {
  let time = 0;
  const slow = createRedactor({ mark: createMarker("k"), budgetMs: 10, now: () => (time += 6) });
  expect(() => slow.text("word ".repeat(100_000))).toThrow(RedactionTimeError);
  expect(() => slow.text("word ".repeat(100_000))).toThrow("Send the text in smaller parts.");
});
