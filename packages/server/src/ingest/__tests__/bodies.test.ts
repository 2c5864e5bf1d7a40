import { describe, expect, spyOn, test } from "bun:test";
import zlib from "node:zlib";
import { setupApp } from "../../__tests__/setup-app.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { readLines } from "../../routes/read-events.ts";
import { anEvent } from "./event-factory.ts";

const LIMITS = { body_bytes: 200_000, decompressed_body_bytes: 400_000, body_receive_ms: 200 };
const server = setupApp({ limits: LIMITS });

async function post(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
) {
  const response = await server.current().app.request("/api/events", {
    method: "POST",
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json", ...headers },
    body,
  });
  // biome-ignore lint/suspicious/noExplicitAny: as in TestResponse.
  const answer: any = await response.json();
  return { status: response.status, body: answer, headers: response.headers };
}

const batch = (count = 2) => JSON.stringify({ events: Array.from({ length: count }, () => anEvent()) });
const streamOf = (...chunks: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
const cutBy = (whole: Buffer, share: number) => whole.subarray(0, Math.floor(whole.length * share));
const bytes = (text: string) => new TextEncoder().encode(text);

describe("a body is taken", () => {
  test.each([
    ["gzip", zlib.gzipSync],
    ["x-gzip", zlib.gzipSync],
    ["GZIP", zlib.gzipSync],
    ["zstd", zlib.zstdCompressSync],
    ["identity", (buffer: Uint8Array<ArrayBuffer>) => buffer],
  ])("compressed by %s", async (encoding, compress) => {
    const { status, body } = await post(compress(bytes(batch())), { "content-encoding": encoding });
    expect(status).toBe(202);
    expect(body.ingested).toBe(2);
  });

  test("in several chunks and without a declared length", async () => {
    const sent = bytes(batch());
    const { status, body } = await post(streamOf(sent.slice(0, 9), sent.slice(9)));
    expect(status).toBe(202);
    expect(body.ingested).toBe(2);
  });

  test("with a byte order mark, a character set and white space around it", async () => {
    const { status } = await post(`\uFEFF  ${batch()}\n\n`, {
      "content-type": "Application/JSON; charset=utf-8",
    });
    expect(status).toBe(202);
  });

  test("without a declared type, as JSON", async () => {
    const response = await server.current().app.request("/api/events", {
      method: "POST",
      headers: { authorization: `Bearer ${server.key}` },
      body: bytes(batch()),
    });
    expect(response.status).toBe(202);
  });
});

describe("events one a line", () => {
  const ndjson = { "content-type": "application/x-ndjson" };

  test("are taken each by itself; blank lines are skipped, and a line that does not parse is one rejected event", async () => {
    const [one, two] = [anEvent(), anEvent()];
    const lines = [JSON.stringify(one), "", "{not json", "  ", `${JSON.stringify(two)}\r`, "7"];
    const { status, body } = await post(lines.join("\n"), ndjson);
    expect(status).toBe(202);
    expect(body).toMatchObject({ ingested: 2, duplicates: 0, rejected: 2 });
    expect(body.results).toMatchObject([
      { index: 0, id: one.id, status: "accepted" },
      { index: 1, id: null, status: "rejected" },
      { index: 2, id: two.id, status: "accepted" },
      { index: 3, id: null, status: "rejected" },
    ]);
  });

  test("may be compressed", async () => {
    const { body } = await post(zlib.gzipSync(bytes(`${JSON.stringify(anEvent())}\n`)), {
      ...ndjson,
      "content-encoding": "gzip",
    });
    expect(body.ingested).toBe(1);
  });

  test("of which one is not UTF-8 are stored but for that one, whose readable part is noted", async () => {
    const [one, two] = [anEvent(), anEvent()];
    const damaged = [...bytes('{"id":"caf'), 0xe9, ...bytes('"}\n')];
    const cut = [...bytes(`\n  \n{"text":"`), 0xf0, 0x9f];
    const sent = [...bytes(`${JSON.stringify(one)}\n`), ...damaged, ...bytes(JSON.stringify(two)), ...cut];
    const { status, body } = await post(new Uint8Array(sent), ndjson);
    expect(status).toBe(202);
    expect(body).toMatchObject({ ingested: 2, rejected: 2 });
    expect(body.errors).toEqual([
      { index: 1, error: "the line is not UTF-8" },
      { index: 3, error: "the line is not UTF-8" },
    ]);
    const notes = await server.sql<{ body: string }[]>`SELECT body FROM ingest_notes ORDER BY id`;
    expect(notes.map((note) => note.body)).toEqual(['{"id":"caf\uFFFD"}', '{"text":"\uFFFD']);
  });

  test("of which one is not UTF-8 cost nothing where they are empty", async () => {
    const decode = spyOn(TextDecoder.prototype, "decode");
    try {
      for (const blanks of ["\n", "\r\n", " \t\n"]) {
        decode.mockClear();
        const sent = Buffer.from(`${blanks.repeat(200_000)}{}\n?${blanks.repeat(200_000)}`);
        sent[sent.indexOf("?")] = 0xff;
        expect(await readLines(sent, DEFAULT_LIMITS)).toEqual([
          { line: expect.stringMatching(/^\{\}\s*$/) },
          { unreadable: expect.stringContaining("\uFFFD"), error: "the line is not UTF-8" },
        ]);
        expect(decode.mock.calls.length).toBeLessThan(10);
      }
    } finally {
      decode.mockRestore();
    }
  });

  test("of which one is not UTF-8 count where they hold other white space alone", async () => {
    const sent = Buffer.concat([Buffer.from([0xff]), Buffer.from("\n\u00a0".repeat(2_000))]);
    await expect(readLines(sent, DEFAULT_LIMITS)).rejects.toThrow("more than 1000 events");
  });

  test("longer than a megabyte are parsed in steps, with the reason where they cannot be", async () => {
    const long = "x".repeat(1_100_000);
    const many = `{"a":[${"1,".repeat(600_000)}1]}`;
    const sent = Buffer.from([`{"a":"${long}"}`, `{"a":"${long}`, many, "{}"].join("\n"));
    const limits = { ...DEFAULT_LIMITS, batch_values: 1_000_000 };
    expect(await readLines(sent, limits)).toEqual([
      { value: { a: long } },
      { unreadable: expect.stringContaining(long), error: "the line is not JSON" },
      { unreadable: many, error: `holds more than ${limits.json_values} JSON values` },
      { line: "{}" },
    ]);
  });

  test("of no event is no batch", async () => {
    expect(await post("\n \n", ndjson)).toMatchObject({ status: 400, body: { code: "BATCH_EMPTY" } });
  });

  test("of too many events is no batch", async () => {
    expect(await post("{}\n".repeat(1_001), ndjson)).toMatchObject({
      status: 400,
      body: { code: "BATCH_TOO_LARGE" },
    });
  });

  test("are read one by one, and no further than the batch may be long", async () => {
    const lines = zlib.gzipSync(`${"\n \r\n".repeat(90_000)}${JSON.stringify(anEvent())}\n`);
    const { body } = await post(lines, { ...ndjson, "content-encoding": "gzip" });
    expect(body).toMatchObject({ ingested: 1, rejected: 0 });
    const split = spyOn(String.prototype, "split");
    try {
      expect((await post("\n".repeat(190_000), ndjson)).body.code).toBe("BATCH_EMPTY");
      expect((await post("7\n".repeat(90_000), ndjson)).body.code).toBe("BATCH_TOO_LARGE");
      const lengths = split.mock.results.map(({ value }) => (Array.isArray(value) ? value.length : 0));
      expect(Math.max(0, ...lengths)).toBeLessThan(1_100);
    } finally {
      split.mockRestore();
    }
  });

  test("a line that does not parse is kept short, and without credentials", async () => {
    const line = `{"git_remote":"https://me:hunter2@github.com/a/b", ${"x".repeat(100_000)}`;
    await post(`${line}\n`, ndjson);
    const [note] = await server.sql<{ body: string }[]>`SELECT body FROM ingest_notes`;
    expect(note?.body).not.toContain("hunter2");
    expect(note?.body.length).toBeLessThanOrEqual(64 * 1024);
  });
});

describe("a body that is no batch is refused", () => {
  test.each([
    ["nothing", ""],
    ["half of JSON", '{"events": ['],
    ["text", "hello"],
    ["a list", "[]"],
    ["null", "null"],
    ["another shape", '{"event": {}}'],
    ["events that are no list", '{"events": {}}'],
    ["no events", '{"events": []}'],
    ["1,001 events", JSON.stringify({ events: Array(1_001).fill({}) })],
    ["50,000 events", JSON.stringify({ events: Array(50_000).fill(1) })],
  ])("with 400: %s", async (_, text) => {
    const { status, body, headers } = await post(text);
    expect(status).toBe(400);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ status: 400, title: "Bad Request", instance: "/api/events" });
    expect(body.code).toMatch(/^[A-Z_]+$/);
    expect(body.error).toBe(body.detail);
    expect(body.request_id).toBe(headers.get("x-request-id"));
  });

  test("with 400 that is not UTF-8, and the next one is read again", async () => {
    expect(await post(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]))).toMatchObject({
      status: 400,
      body: { code: "BODY_NOT_UTF8" },
    });
    expect((await post(batch())).status).toBe(202);
  });

  test.each(["gzip", "zstd"])("with 400 that declares %s and is not", async (encoding) => {
    expect(await post(batch(), { "content-encoding": encoding })).toMatchObject({
      status: 400,
      body: { code: "BODY_NOT_DECOMPRESSED" },
    });
  });

  const gzip = (text: string) => zlib.gzipSync(text);
  const zstd = (text: string) =>
    zlib.zstdCompressSync(text, { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } });
  const lines = (count: number) =>
    `${Array.from({ length: count }, () => JSON.stringify(anEvent())).join("\n")}\n`;
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);

  test.each([
    ["gzip cut in half", "gzip", cutBy(gzip(lines(900)), 0.5)],
    ["gzip without its checksum", "gzip", gzip(lines(3)).subarray(0, -8)],
    ["gzip with something behind it", "gzip", Buffer.concat([gzip(lines(3)), Buffer.from("garbage")])],
    ["zstd cut in half", "zstd", cutBy(zstd(lines(900)), 0.5)],
    ["zstd without its last byte", "zstd", zstd(lines(900)).subarray(0, -1)],
    ["zstd without its checksum", "zstd", zstd(lines(3)).subarray(0, -4)],
    [
      "zstd of a whole frame and one cut in half",
      "zstd",
      Buffer.concat([zstd(lines(3)), cutBy(zstd(lines(4)), 0.5)]),
    ],
    [
      "zstd of a whole frame and one byte of another",
      "zstd",
      Buffer.concat([zstd(lines(3)), zstd("").subarray(0, 1)]),
    ],
    [
      "zstd of a whole frame and a skippable one cut short",
      "zstd",
      Buffer.concat([zstd(lines(3)), cutBy(skippable, 0.7)]),
    ],
    ["zstd with something behind it", "zstd", Buffer.concat([zstd(lines(3)), Buffer.from("garbage")])],
    ["zstd with zeros behind it", "zstd", Buffer.concat([zstd(lines(3)), Buffer.alloc(8)])],
  ])("with 400 that is not whole: %s", async (_, encoding, sent) => {
    const headers = { "content-type": "application/x-ndjson", "content-encoding": encoding };
    expect(await post(new Uint8Array(sent), headers)).toMatchObject({
      status: 400,
      body: { code: "BODY_NOT_DECOMPRESSED" },
    });
    expect(await server.sql`SELECT id FROM events`).toHaveLength(0);
  });

  test.each([
    ["gzip", Buffer.concat([gzip(lines(3)), gzip(lines(4))])],
    ["zstd", Buffer.concat([zstd(lines(3)), zstd(lines(4))])],
    ["zstd", Buffer.concat([skippable, zstd(lines(3)), skippable, zstd(""), zstd(lines(4)), skippable])],
  ])("but for several whole frames of %s, all of which are read", async (encoding, sent) => {
    const headers = { "content-type": "application/x-ndjson", "content-encoding": encoding };
    expect((await post(new Uint8Array(sent), headers)).body).toMatchObject({ ingested: 7, rejected: 0 });
  });

  test.each(["", " ", "identity", "Identity "])("but for no encoding, sent as %p", async (encoding) => {
    expect((await post(batch(), { "content-encoding": encoding })).status).toBe(202);
  });

  test.each(["br", "deflate", "compress", "gzip, zstd"])("with 415 encoded by %s", async (encoding) => {
    const { status, headers } = await post(batch(), { "content-encoding": encoding });
    expect(status).toBe(415);
    expect(headers.get("accept-encoding")).toBe("gzip, zstd");
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])(
    "with 415 of type %s",
    async (type) => {
      expect(await post(batch(), { "content-type": type })).toMatchObject({
        status: 415,
        body: { code: "CONTENT_TYPE_UNKNOWN" },
      });
    },
  );
});

describe("a body that is too large is refused with 413", () => {
  const large = bytes(`{"events":["${"x".repeat(LIMITS.body_bytes)}"]}`);

  test("by its declared length", async () => {
    expect((await post("{}", { "content-length": `${LIMITS.body_bytes + 1}` })).status).toBe(413);
  });

  test("as sent", async () => {
    expect(await post(large)).toMatchObject({ status: 413, body: { code: "BODY_TOO_LARGE" } });
  });

  test("in chunks, before the last of them has come", async () => {
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunks += 1;
        controller.enqueue(new Uint8Array(50_000).fill(0x20));
      },
    });
    expect((await post(endless)).status).toBe(413);
    expect(chunks).toBeLessThan(10);
  });

  test.each([
    ["gzip", zlib.gzipSync],
    ["zstd", zlib.zstdCompressSync],
  ])(
    "decompressed from %s, of which no more than the limit is ever decompressed",
    async (encoding, compress) => {
      const bomb = compress(Buffer.alloc(100_000_000, 0x20));
      expect(bomb.byteLength).toBeLessThan(LIMITS.body_bytes);
      const before = process.memoryUsage().rss;
      const { status, body } = await post(bomb, { "content-encoding": encoding });
      expect(status).toBe(413);
      expect(body.detail).toContain("decompressed");
      expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
    },
  );

  test("compressed several times into itself", async () => {
    const bomb = Buffer.concat(Array.from({ length: 3 }, () => zlib.gzipSync(Buffer.alloc(200_000, 0x20))));
    expect((await post(bomb, { "content-encoding": "gzip" })).status).toBe(413);
  });
});

describe("a body that does not come", () => {
  test("is answered with 408 in time", async () => {
    const never = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(bytes("{")) });
    expect(await post(never)).toMatchObject({ status: 408, body: { code: "BODY_TOO_SLOW" } });
  });
});
