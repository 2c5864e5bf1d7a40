import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { RedactionTimeError } from "@wharf/redaction";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { type Database, openDatabase } from "../../db/database.ts";
import { migratePhases } from "../../db/phases.ts";
import { createHubSecret } from "../hub-secret.ts";
import { createRedactionPool, type PartKind, type RedactionPool } from "../redaction-pool.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

/** In pieces, so that no scanner takes it for one that was leaked. */
const TOKEN = `ghp_${"a8Kq2LmZ".repeat(5).slice(0, 36)}`;

const database = useTestDatabase({ migrate: migratePhases });
let connections: Database;
const pools: RedactionPool[] = [];

beforeAll(() => {
  connections = openDatabase(database.url, { deadlineMs: 10_000, max: 4 });
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await connections.close();
});

function open(options: { secret?: string; budgetMs?: number } = {}): RedactionPool {
  const { secret = "hub", ...others } = options;
  const pool = createRedactionPool({ secret: async () => secret, ...others });
  pools.push(pool);
  return pool;
}

async function redact(pool: RedactionPool, text: string, kind: PartKind = "main") {
  const { bytes, counts } = await pool.redactPart(Buffer.from(text), kind);
  return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), counts };
}

test("replaces secrets in lines and counts them by rule and side", async () => {
  const known = "[REDACTED:generic-password:0123abcd]";
  const { text, counts } = await redact(open(), `{"a":"${TOKEN}"}\n{"b":"${known}"}\n`);
  expect(text).toMatch(/^\{"a":"\[REDACTED:github[a-z-]*:[0-9a-f]{8}\]"\}\n\{"b":"\[REDACTED:generic/);
  expect(counts.device).toEqual({ "generic-password": 1 });
  expect(Object.values(counts.hub)).toEqual([1]);
});

test("writes the same marker for the same secret in every part, and another one on another hub", async () => {
  const pool = open({ secret: "one" });
  const first = await redact(pool, `{"a":"${TOKEN}"}\n`);
  expect(await redact(pool, `{"a":"${TOKEN}"}\n`)).toEqual(first);
  expect((await redact(open({ secret: "two" }), `{"a":"${TOKEN}"}\n`)).text).not.toBe(first.text);
});

test("keeps each byte of lines without a secret, next to lines with one", async () => {
  const odd = Buffer.concat([
    Buffer.from([0xef, 0xbb, 0xbf]),
    Buffer.from('{"a":1}\r\n\n{"b":"\u2028\0"}\n'),
    Buffer.from([0xff, 0xfe, 0x0a]),
  ]);
  const { bytes } = await open().redactPart(
    Buffer.concat([odd, Buffer.from(`{"c":"${TOKEN}"}\n`), odd]),
    "main",
  );
  expect(Buffer.from(bytes).subarray(0, odd.length)).toEqual(odd);
  expect(Buffer.from(bytes).subarray(-odd.length)).toEqual(odd);
  expect(Buffer.from(bytes).includes(TOKEN)).toBe(false);
});

test("redacts a file of another kind as one text, so that a private key of many lines is found", async () => {
  const key = `-----BEGIN RSA PRIVATE KEY-----\n${`${"Ab3dEf9h".repeat(8)}\n`.repeat(10)}-----END RSA PRIVATE KEY-----`;
  expect((await redact(open(), `before\n${key}\nafter`, "tool-result")).text).toMatch(
    /^before\n\[REDACTED:[a-z-]+:[0-9a-f]{8}\]\nafter$/,
  );
});

test("refuses a part that takes longer than its budget, and redacts the next one", async () => {
  const pool = open({ budgetMs: 20 });
  const heavy = `{"password":"${"x=y&password=".repeat(2_000_000)}"}\n`;
  await expect(redact(pool, heavy)).rejects.toBeInstanceOf(RedactionTimeError);
  expect((await redact(pool, `{"a":"b"}\n`)).text).toBe(`{"a":"b"}\n`);
});

test("leaves the event loop to others while a part is redacted", async () => {
  const pool = open();
  let isDone = false;
  const part = redact(pool, `{"a":"password = ${TOKEN}"}\n`.repeat(50_000)).then((answer) => {
    isDone = true;
    return answer;
  });
  let turns = 0;
  while (!isDone) {
    await new Promise(setImmediate);
    turns += 1;
  }
  expect(Object.values((await part).counts.hub).reduce((sum, count) => sum + count, 0)).toBe(50_000);
  expect(turns).toBeGreaterThan(100);
});

test("the hub's secret is made once, also by processes that start at the same time", async () => {
  const secrets = await Promise.all(Array.from({ length: 4 }, () => createHubSecret(connections)()));
  expect(new Set(secrets).size).toBe(1);
  expect(secrets[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(await createHubSecret(connections)()).toBe(secrets[0] ?? "");
});
