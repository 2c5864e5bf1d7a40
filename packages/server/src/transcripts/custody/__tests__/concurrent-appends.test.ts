import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS } from "@wharf/testkit";
import { chainHashOf } from "@wharf/transcripts";
import fc from "fast-check";
import { openApp, setupApp } from "../../../__tests__/setup-app.ts";
import type { Server } from "../../../compose.ts";
import { type Answer, createSender } from "./send-file.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const server = setupApp();
let second: Server;
beforeAll(async () => {
  second = await openApp(server.url);
});
afterAll(() => second.drain());

const here = createSender(server);
/** Another process on the same database. */
const there = createSender({ current: () => second, key: server.key });
const { files, raw } = here;

const hash = (text: string) => chainHashOf(Buffer.from(text));
const headersAt = (text: string) => ({ "source-bytes": String(text.length), "source-hash": hash(text) });

test("of senders that append different bytes at one place, exactly one is stored", async () => {
  for (let round = 0; round < 10; round++) {
    const session = `s${round}`;
    await here.append("one\n", { session });
    const sent = Array.from({ length: 6 }, (_, n) => `${n}`.repeat(n + 2));
    const answers = await Promise.all(
      sent.map((text, n) => (n % 2 === 0 ? here : there).append(`${text}\n`, { session, offset: 4 })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409, 409, 409, 409]);
    const winner = sent[answers.findIndex(({ status }) => status === 202)] ?? "";
    expect(await raw("file=main.jsonl", session)).toBe(`one\n${winner}\n`);
    const held = { generation: 1, source_bytes: 4 + winner.length + 1 };
    for (const { status, body } of answers) if (status === 409) expect(body.held).toMatchObject(held);
  }
});

test("of senders that append the same bytes at one place, one appends and the others hold them already", async () => {
  const answers = await Promise.all(
    [here, there, here, there].map(({ append }) =>
      append("one\ntwo\n", { headers: headersAt("one\ntwo\n") }),
    ),
  );
  expect(answers.map(({ body }) => body.status).toSorted()).toEqual([
    "already_held",
    "already_held",
    "already_held",
    "appended",
  ]);
  expect(await raw()).toBe("one\ntwo\n");
  expect(await server.sql`SELECT FROM transcript_segments`).toHaveLength(1);
});

test("of senders that begin the next generation with different bytes, exactly one does", async () => {
  await here.append("one\n");
  const answers = await Promise.all(
    ["a\n", "bb\n", "ccc\n"].map((text, n) => (n === 1 ? there : here).append(text, { generation: 2 })),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409]);
  expect(await files()).toMatchObject([{ generation: 2 }]);
});

test("appends while the next generation begins are either in the older one or refused", async () => {
  for (let round = 0; round < 10; round++) {
    const session = `s${round}`;
    await here.append("one\n", { session });
    const [older, newer] = await Promise.all([
      here.append("two\n", { session, generation: 1, offset: 4 }),
      there.append("other\n", { session, generation: 2 }),
    ]);
    expect(newer.status).toBe(202);
    const expected = older.status === 202 ? "one\ntwo\n" : "one\n";
    expect(await raw("file=main.jsonl&generation=1", session)).toBe(expected);
    expect(await raw("file=main.jsonl", session)).toBe("other\n");
  }
});

test("many first files of one new session and device, at the same time, are all stored", async () => {
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, n) =>
      (n % 2 === 0 ? here : there).append(`${n}\n`, { file: `f${n}.jsonl` }),
    ),
  );
  expect(answers.every(({ status }) => status === 202)).toBe(true);
  expect(await files()).toHaveLength(16);
  expect(await server.sql`SELECT FROM sessions`).toHaveLength(1);
});

/** A sender as devices have it: sends part after part, repeats some, and follows what a conflict names. */
async function sendAll(
  text: string,
  cuts: readonly number[],
  { append }: typeof here,
  device: string,
): Promise<void> {
  let offset = 0;
  let at = 0;
  for (let requests = 0; offset < text.length; requests++) {
    if (requests > 200) throw new Error("the sender makes no progress");
    const end = Math.min(text.length, offset + (cuts[at % cuts.length] ?? text.length));
    at += 1;
    const body = text.slice(offset, end);
    const headers = { "source-offset-hash": hash(text.slice(0, offset)), ...headersAt(text.slice(0, end)) };
    const sent = { device, offset, headers, final: end === text.length };
    const answer: Answer = at % 3 === 0 ? await repeated(() => append(body, sent)) : await append(body, sent);
    if (answer.status !== 202 && answer.status !== 409)
      throw new Error(`unexpected answer: ${answer.status} ${JSON.stringify(answer.body)}`);
    offset = (answer.status === 409 ? answer.body.held : answer.body).source_bytes;
  }
}

async function repeated(send: () => Promise<Answer>): Promise<Answer> {
  const [first] = await Promise.all([send(), send()]);
  await send();
  return first;
}

test("any cuts, repeats and senders at the same time lead to the same bytes, lines and hash", async () => {
  const text = '{"a":"ü"}\r\n\n{"b":"\u2028"}\n{"c":1}\ntorn'.replaceAll("ü", "u").replaceAll("\u2028", "-");
  const cuts = fc.array(fc.integer({ min: 1, max: text.length }), { minLength: 1, maxLength: 5 });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(cuts, cuts, fc.boolean(), async (some, others, isSameDevice) => {
      // A part that ends within a long line makes no progress; a longer one does.
      const steps = (sizes: number[]) => [...sizes, text.length];
      const device = `d${run++}`;
      const other = isSameDevice ? device : `${device}-other`;
      await Promise.all([
        sendAll(text, steps(some), here, device),
        sendAll(text, steps(others), there, other),
      ]);
      for (const name of new Set([device, other])) {
        const [held] = (await files()).filter(({ device_id }: { device_id: string }) => device_id === name);
        expect(held).toMatchObject({
          generation: 1,
          source_bytes: text.length,
          lines: 5,
          source_hash: hash(text),
        });
        expect(await raw(`file=main.jsonl&device_id=${name}`)).toBe(text);
      }
    }),
    { numRuns: 30 },
  );
});
