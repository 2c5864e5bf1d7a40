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

  for (const piece of ["%25", "\\"])
    test(`costs linear time, also with nothing but ${piece}`, () => {
      const text = piece.repeat(400_000);
      const startedAt = performance.now();
      expect(redactor.text(text)).toBe(text);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });
});

const pieces = fc.constantFrom(
  ...examples.flatMap(({ example }) => [example, encodeURIComponent(example)]),
  ...['"', "\\", "\\n", "\n", "\t", "/", " ", ": ", "=", "%20", "\u001b[0m", "é", "password", "api_key"],
  ...["bot", "cookie", "-----BEGIN", "curl -u me:", "7Q~", "aZ3kQ9xW7bT1mR5v"],
  ...[
    "--password",
    "-p",
    "sshpass",
    "--api-token",
    "DB_PASSWORD",
    "\u200b",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B",
  ],
);
const text = fc.array(pieces, { maxLength: 4 }).map((parts) => parts.join(""));
const value = fc.oneof(
  text,
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(
    fc.constantFrom("a", "password", "api_key", "cookie", "name", "value", "label", "text", "args"),
    text,
  ),
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
      fc.integer({ min: 0, max: 4 }),
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

describe("a private key", () => {
  const body = Array.from(
    { length: 40 },
    (_, n) => `${String(n).padStart(2, "a")}${"aZ3kQ9xW7bT1".repeat(5)}xy`,
  );
  const key = ["-----BEGIN RSA PRIVATE KEY-----", ...body, "cut0==", "-----END RSA PRIVATE KEY-----"];
  const numbered = (mark: string) => key.map((line, n) => `${String(n + 1).padStart(6)}${mark}${line}`);

  const forms: Record<string, string[]> = {
    "as it is": key,
    "behind the numbers of cat -n": numbered("\t"),
    "behind the numbers of a tool": numbered("→"),
    "behind the numbers of an editor": numbered(" | "),
    "behind the file and the lines of grep": key.map(
      (line, n) => `certs/key.pem${n === 0 ? ":" : "-"}${n + 1}-${line}`,
    ),
    "that a diff adds": key.map((line) => `+${line}`),
    "that a diff removes": key.map((line) => `-${line}`),
    "that is quoted": key.map((line) => `> ${line}`),
    "in a comment": key.map((line) => ` * ${line}`),
    "in strings of a program": key.map((line) => `  "${line}\\n" +`),
    "in a list": key.map((line) => `    "${line}",`),
    "with coloured lines": key.map((line) => `\u001b[32m+\u001b[m\u001b[32m${line}\u001b[m`),
    "with headers": [
      "-----BEGIN PGP PRIVATE KEY BLOCK-----",
      "Version: GnuPG v2.0.22 (GNU/Linux)",
      "Comment: https://example.test",
      "",
      ...body,
      "=aB3d",
      "-----END PGP PRIVATE KEY BLOCK-----",
    ],
  };
  for (const [form, lines] of Object.entries(forms))
    test(`${form} is replaced as a whole, cut off or not, in text and in JSON`, () => {
      for (const last of [lines.length, lines.length - 2]) {
        const sent = `first word\n${lines.slice(0, last).join("\n")}\nlast word\n`;
        for (const redacted of [
          redactor.text(sent),
          redactor.text(sent.replaceAll("\n", "\\n")),
          redactor.line(JSON.stringify({ text: sent })),
          redactor.line(JSON.stringify({ text: JSON.stringify({ output: sent }) })),
          redactor.line(JSON.stringify(sent.split("\n"))),
        ]) {
          for (const line of body) expect(redacted).not.toContain(line.slice(0, 20));
          expect(redacted).toContain("first word");
          expect(redacted).toContain("last word");
        }
      }
    });

  test("of any length is replaced, also across windows, in linear time", () => {
    for (const lines of [150, 2_000, 60_000]) {
      const long = [
        key[0],
        ...Array.from({ length: lines }, (_, n) => `${n}${"aZ3kQ9xW".repeat(8)}`),
        key.at(-1),
      ];
      const text = `${"word ".repeat(12_500)}\n${long.join("\n")}\nlast word`;
      const startedAt = performance.now();
      const redacted = redactor.text(text);
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      expect(redacted).not.toContain("aZ3kQ9xW");
      expect(redacted).toEndWith("]\nlast word");
    }
  });

  test("is not what follows the mere words", () => {
    const prose = ' is how a key begins; const certificateAuthority = "x"; and the rest of it.';
    expect(redactor.text(`${key[0]}${prose}`)).toEndWith(prose);
  });
});

describe("a secret that is named by its neighbour", () => {
  const secret = ["F4ke", "Passw0rd", "9x7Q"].join("-");
  const found: unknown[] = [
    { name: "API_KEY", value: secret },
    { value: secret, name: "DB_PASSWORD" },
    { key: "client_secret", type: "plain", enabled: true, value: secret },
    {
      env: [
        { Name: "PORT", Value: "8080" },
        { Name: "MY_ACCESS_TOKEN", Value: secret },
      ],
    },
    ["--password", secret],
    ["deploy", "--api-token", secret, "--force"],
    { command: "sshpass", args: ["-p", secret, "ssh", "host"] },
    ["docker", "login", "-u", "me", "-p", secret],
    ["-p", secret.replaceAll("-", "")],
    `name: "API_KEY", value: "${secret}"`,
    `deploy --token ${secret} --force`,
    `sshpass -p ${secret} ssh host`,
    { password: [secret] },
    { api_key: [secret, "other"] },
    { password: { value: secret } },
    { name: "DB_PASSWORD", content: secret },
    { key: "db_password", data: secret },
    { label: "API_KEY", text: secret },
    { text: secret, label: "API_KEY" },
    { name: "Cookie", value: `session=${secret}` },
    { cookie: [`session=${secret}`] },
    `- name: DB_PASSWORD\n  value: ${secret}\n`,
    `<password>${secret}</password>`,
    `mysql -uroot -p${secret} app`,
    ["mysql", "-uroot", `-p${secret}`],
    `echo x | docker login -u me --password ${secret}`,
  ];
  for (const value of found)
    test(`is found: ${JSON.stringify(value)}`, () => {
      let json = typeof value === "string" ? value : JSON.stringify(value);
      const pretty = typeof value === "string" ? value : JSON.stringify(value, null, 2);
      for (let level = 0; level <= 3; level++) {
        for (const line of [json, JSON.stringify({ text: pretty })]) {
          const redacted = redactor.line(line);
          expect(redacted).not.toContain("Passw0rd");
          expect(redactor.line(redacted)).toBe(redacted);
          if (line.startsWith("{")) expect(() => JSON.parse(redacted)).not.toThrow();
        }
        json = JSON.stringify({ text: json });
      }
    });

  test("is none: other options, names and values", () => {
    for (const value of [
      { name: "PATH", value: "/usr/local/bin:/opt/tools-2/bin" },
      { name: "max_tokens", value: "200000-context-1m" },
      { key: "description", value: "the password is reset on login" },
      { value: "claude-opus-4-5-20251101", name: "model" },
      ["mkdir", "-p", "packages/server/src2/Routes"],
      ["claude", "-p", "Write 2 tests for the Parser"],
      ["docker", "run", "-p", "127.0.0.1:8080:80", "image"],
      ["--password-file", "/run/secrets/db-password-1"],
      ["--token-budget", "200000-of-400000"],
      "docker login --password-stdin registry.example.test",
      "docker build --secret id=npmrc-2024-11 .",
      'mysql --password "$DB_PASSWORD_2" --host db1.example.test',
      "docker run --name mysql -p3306:3306 mysql:8",
      "mysql -uroot -p$MYSQL_PASSWORD",
      { name: "Write", content: "a password and an api_key of text-2" },
      { key: "description", text: "chapter2-of-the-book" },
    ]) {
      const line = JSON.stringify(value);
      expect(redactor.line(line)).toBe(line);
    }
  });
});

test("a JSON string within a JSON string is searched as JSON", () => {
  const password = ["F4ke", "Passw0rd", "9x7Q"].join("-");
  for (let json = JSON.stringify({ password, n: "a\nb" }), level = 0; level <= 4; level++) {
    expect(redactor.line(json)).not.toContain("Passw0rd");
    expect(() => JSON.parse(redactor.line(json))).not.toThrow();
    json = JSON.stringify(json);
  }
});

test("a name three levels of JSON deep is seen, and one behind unusual escapes", () => {
  const secret = ["F4ke", "Passw0rd", "9x7Q"].join("-");
  for (let json = JSON.stringify({ password: secret, n: "a\nb" }), level = 0; level <= 4; level++) {
    const redacted = redactor.line(json);
    expect([level, redacted.includes(secret)]).toEqual([level, false]);
    let value: unknown = JSON.parse(redacted);
    for (let inner = 0; inner < level; inner++) value = JSON.parse((value as { text: string }).text);
    expect(value).toEqual({ password: expect.stringContaining("[REDACTED:assigned-secret:"), n: "a\nb" });
    json = JSON.stringify({ text: json });
  }
});

describe("a password of a person", () => {
  const password = ["hunter2", "Secret99"].join("");
  const short = ["correct", "horse9"].join("-");
  for (const sent of [
    `password=${password}`,
    `DB_PASSWORD="${password}"`,
    `{"password": "${password}"}`,
    `{"password":"\\"${password}\\""}`,
    `PASSWORD="${short}"`,
    `--password ${password}`,
    `db.passphrase: ${password}`,
    `["--passphrase", "${short}"]`,
    `if (pwd === '${password}!') open();`,
  ])
    test(`is found: ${sent}`, () => {
      for (const line of [sent, JSON.stringify({ text: sent }), JSON.stringify(JSON.stringify([sent]))]) {
        expect(redactor.line(line)).not.toContain(password);
        expect(redactor.line(line)).not.toContain(short);
        expect(redactor.line(line)).toContain("[REDACTED:");
      }
    });

  for (const text of [
    "password: Uint8Array",
    "password: string | undefined",
    "password=$DB_PASS_2",
    ["password=$", "{DB_PASS_2}"].join(""),
    "password: process.env.DB_PASS_2",
    "password: cfg.auth2",
    "password: user.password!,",
    "password = readPass2()",
    "password=<8 letters>",
    "password: DB_PASS_2",
    "password: /etc/db2",
    "password: '#/a/pass2'",
    "pwd: packages/v2",
    "PWD=/home/ada2",
    "the password: at least 8 letters",
    "--password-file db2.secret",
    "--password --host db2.example.test",
  ])
    test(`is not: ${text}`, () => expect(redactor.text(text)).toBe(text));
});

describe("characters that are not seen", () => {
  for (const { id, example } of examples)
    test(`do not hide a secret: ${id}`, () => {
      for (const invisible of ["\u200b", "\u00ad", "\ufeff", "\u2060\u200d"]) {
        const hidden = [...example].map((c, n) => (n % 7 === 3 ? `${c}${invisible}` : c)).join("");
        const lines = [
          hidden,
          JSON.stringify({ text: hidden }),
          JSON.stringify({ text: JSON.stringify([hidden]) }),
        ];
        const ascii = JSON.stringify({ text: hidden }).replace(
          /[^ -~]/g,
          (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
        );
        for (const line of [...lines, ascii])
          expect(secretsIn((counts) => redactor.line(line, counts)).found).toBeGreaterThan(0);
      }
    });

  test("stay where they hide nothing", () => {
    const text = "family \u{1f468}\u200d\u{1f469}\u200d\u{1f467} \ufeff soft\u00adhyphen";
    expect(redactor.text(text)).toBe(text);
    expect(redactor.line(JSON.stringify({ text }))).toBe(JSON.stringify({ text }));
  });
});
