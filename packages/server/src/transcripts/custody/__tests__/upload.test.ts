import { describe, expect, test } from "bun:test";
import { chainHashOf } from "@wharf/transcripts";
import { setupApp } from "../../../__tests__/setup-app.ts";
import { createSender } from "./send-file.ts";

const MIB = 1024 * 1024;
const server = setupApp({ limits: { transcript_body_bytes: 12 * MIB } });
const { append, files, raw, send, upload } = createSender(server);

const hash = (text: string) => chainHashOf(Buffer.from(text));
const line = (n: number) => `${JSON.stringify({ n, text: "x".repeat(1_000) })}\n`;
const lines = (count: number) => Array.from({ length: count }, (_, n) => line(n)).join("");

describe("an upload of a whole file", () => {
  test("is stored, named by its key, and held already when it comes again", async () => {
    const first = await upload("one\ntwo\n");
    const s3_key = "transcripts/s1/main.jsonl";
    expect(first).toEqual({ status: 202, body: { status: "uploaded", s3_key, reconcile_enqueued: true } });
    expect(await upload("one\ntwo\n")).toEqual({
      status: 200,
      body: { status: "already_uploaded", s3_key, reconcile_enqueued: false },
    });
    expect(await files()).toMatchObject([
      { generation: 1, source_bytes: 8, source_hash: hash("one\ntwo\n"), lines: 2 },
    ]);
    const [session] = await server.sql`SELECT agent, transcript_s3_key FROM sessions`;
    expect(session).toEqual({ agent: "claude-code", transcript_s3_key: s3_key });
  });

  test("that begins with the bytes held appends the rest, also to what was appended in parts", async () => {
    await append("one\n");
    await append("two\n", { offset: 4, headers: { "source-bytes": "8", "source-hash": hash("one\ntwo\n") } });
    expect((await upload("one\ntwo\nthree\n")).status).toBe(202);
    expect(await files()).toMatchObject([
      { generation: 1, source_bytes: 14, source_hash: hash("one\ntwo\nthree\n") },
    ]);
    expect(await raw()).toBe("one\ntwo\nthree\n");
    expect((await append("four\n", { offset: 14 })).body).toMatchObject({
      status: "appended",
      source_bytes: 19,
    });
  });

  test("is compared with what is kept of parts whose hash is unknown", async () => {
    const TOKEN = `ghp_${"a8Kq2LmZ".repeat(5).slice(0, 36)}`;
    await append(`${TOKEN}\n`);
    await append("two\n", { offset: 41 });
    expect(await files()).toMatchObject([{ source_bytes: 45, source_hash: null }]);
    const whole = `${TOKEN}\ntwo\n`;
    expect((await upload(whole)).status).toBe(200);
    expect(await files()).toMatchObject([{ generation: 1, source_bytes: 45, source_hash: hash(whole) }]);
    await append("three\n", { offset: 45 });
    expect((await upload(`${whole}three\nfour\n`)).status).toBe(202);
    expect(await files()).toMatchObject([{ generation: 1, source_bytes: 56, lines: 4 }]);
    await append("five\n", { offset: 56 });
    expect((await upload(`${whole}three\nfour\nfiVe\n`)).status).toBe(202);
    expect(await files()).toMatchObject([{ generation: 2, lines: 5 }]);
  });

  test("is the next generation where the kept bytes that it is compared with are damaged", async () => {
    await append("one\n");
    await append("two\n", { offset: 4 });
    await server.sql`DELETE FROM blobs`;
    expect((await upload("one\ntwo\n")).status).toBe(202);
    expect(await files()).toMatchObject([{ generation: 2, source_hash: hash("one\ntwo\n") }]);
    expect(await raw()).toBe("one\ntwo\n");
  });

  for (const [what, text] of [
    ["with other bytes", "onE\ntwo\nthree\n"],
    ["that is shorter", "one\n"],
    ["that is empty", ""],
  ] as const)
    test(`${what} is the next generation, and the older stays`, async () => {
      await upload("one\ntwo\n");
      expect((await upload(text)).status).toBe(202);
      expect(await files()).toMatchObject([{ generation: 2, source_bytes: text.length }]);
      expect(await raw("file=main.jsonl&generation=1")).toBe("one\ntwo\n");
      expect(await raw()).toBe(text);
    });

  test("keeps a last line without a newline; the file with the rest of it is the next generation", async () => {
    await upload("one\ntorn");
    expect(await raw()).toBe("one\ntorn");
    await upload("one\ntorn no more\n");
    expect(await files()).toMatchObject([{ generation: 2, lines: 2 }]);
  });

  test("is cut into segments, of which those that follow what is held are added", async () => {
    const whole = lines(9_000);
    const held = lines(5_000);
    expect((await upload(held)).status).toBe(202);
    expect((await upload(whole)).status).toBe(202);
    expect(await files()).toMatchObject([{ generation: 1, source_bytes: whole.length, lines: 9_000 }]);
    expect((await raw()) === whole).toBe(true);
    const segments = await server.sql<
      { bytes: number }[]
    >`SELECT stored_bytes::int AS bytes FROM transcript_segments`;
    expect(segments.length).toBeGreaterThan(2);
    expect(Math.max(...segments.map(({ bytes }) => bytes))).toBeLessThan(4 * MIB + 2_000);
  });

  test("of a subagent has its own file", async () => {
    expect((await upload("one\n", "device_id=laptop&subagent_id=a1")).body).toMatchObject({
      s3_key: "transcripts/s1/subagents/agent-a1.jsonl",
    });
    expect(await files()).toMatchObject([{ file: "subagents/agent-a1.jsonl", kind: "subagent" }]);
    expect((await upload("one\n", "device_id=laptop&subagent_id=..%2Fx")).status).toBe(400);
  });

  test("is of the file and the kind that it names, as an append", async () => {
    await upload("main\n");
    const file = "subagents/agent-a1.jsonl";
    expect((await upload("one\n", `device_id=laptop&file=${file}&kind=subagent`)).body).toMatchObject({
      s3_key: `transcripts/s1/${file}`,
    });
    expect((await upload("one\ntwo\n", "device_id=laptop&subagent_id=a1")).status).toBe(202);
    expect(await files()).toMatchObject([
      { file: "main.jsonl", kind: "main", generation: 1, source_bytes: 5 },
      { file, kind: "subagent", generation: 1, source_bytes: 8 },
    ]);
    expect((await append("three\n", { file, kind: "subagent", offset: 8 })).status).toBe(202);
    expect(await raw(`file=${file}`)).toBe("one\ntwo\nthree\n");
    expect(await raw("")).toBe("main\n");
  });

  test("of a kind that is no JSON lines is a version, which is a generation", async () => {
    const query = "device_id=laptop&file=tool-results/t1.txt&kind=tool-result";
    expect((await upload("first", query)).status).toBe(202);
    expect((await upload("first", query)).status).toBe(200);
    expect((await upload("first and more", query)).status).toBe(202);
    expect(await files()).toMatchObject([{ kind: "tool-result", generation: 2, source_bytes: 14 }]);
    expect(await raw("file=tool-results/t1.txt&generation=1")).toBe("first");
  });

  test("that is held as another kind is refused, as an append of it: its kind decides how it is redacted and parsed", async () => {
    await append("one\n");
    const uploaded = await upload("one\nx", "device_id=laptop&file=main.jsonl&kind=tool-result");
    const appended = await append("x", { kind: "tool-result", offset: 4 });
    for (const { status, body } of [uploaded, appended])
      expect({ status, detail: body.detail }).toEqual({
        status: 400,
        detail: '"main.jsonl" is held as kind=main. Send it with that kind, or under another name.',
      });
    expect(await raw()).toBe("one\n");
  });

  for (const query of [
    "subagent_id=a1&file=main.jsonl",
    "subagent_id=a1&kind=main",
    "file=..%2Fx",
    "kind=other",
  ])
    test(`with ${query} is refused`, async () => {
      const { status, body } = await upload("one\n", `device_id=laptop&${query}`);
      expect({ status, code: body.code }).toEqual({ status: 400, code: "VALIDATION_FAILED" });
      expect(await server.sql`SELECT FROM transcript_files`).toHaveLength(0);
    });

  test("without a device is of the session's, and 404 for a session that is not known", async () => {
    expect((await upload("one\n", "")).status).toBe(404);
    await append("one\n", { agent: "codex", device: "desk" });
    expect((await upload("one\n", "")).status).toBe(200);
    expect(await files()).toMatchObject([{ device_id: "desk", agent: "codex" }]);
  });

  test("may be compressed; what is not compressed as declared is refused", async () => {
    const text = lines(3_000);
    const packed = await Bun.zstdCompress(text);
    expect((await upload(packed, "device_id=laptop", "s1", { "content-encoding": "zstd" })).status).toBe(202);
    expect((await raw()) === text).toBe(true);
    for (const encoding of ["gzip", "zstd"])
      expect((await upload("plain", "device_id=laptop", "s2", { "content-encoding": encoding })).status).toBe(
        400,
      );
    expect((await upload("x", "device_id=laptop", "s2", { "content-encoding": "br" })).status).toBe(415);
    expect(await files("s2")).toBeUndefined();
  });

  test("that is too large is refused, by its length, by its bytes, and by what it unpacks to", async () => {
    const path = "/api/sessions/s1/transcript/upload?device_id=laptop";
    const declared = { "content-length": String(3 * 1024 * MIB) };
    expect((await send("POST", path, "x", declared)).status).toBe(413);
    expect((await upload(new Uint8Array(12 * MIB + 1).fill(10))).status).toBe(413);
    const bomb = await Bun.zstdCompress(new Uint8Array(200 * MIB).fill(120));
    expect((await upload(bomb, "device_id=laptop", "s1", { "content-encoding": "zstd" })).status).toBe(413);
    expect(await server.sql`SELECT FROM transcript_files`).toHaveLength(0);
  });

  test("at the same time as others of the same file is stored once", async () => {
    const text = lines(6_000);
    const answers = await Promise.all([1, 2, 3].map(() => upload(text)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 202]);
    expect(await files()).toMatchObject([{ generation: 1, source_bytes: text.length, lines: 6_000 }]);
    expect((await raw()) === text).toBe(true);
  });
});
