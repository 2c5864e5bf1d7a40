import { describe, expect, test } from "bun:test";
import { chainHashOf, EMPTY_CHAIN_HASH } from "@wharf/transcripts";
import { setupApp } from "../../../__tests__/setup-app.ts";
import { createPostgresBlobStore } from "../../../blobs/postgres-store.ts";
import { parseSession } from "../../parse/parse-session.ts";
import { createSender } from "./send-file.ts";

const server = setupApp({ limits: { transcript_line_bytes: 200, transcript_part_bytes: 10_000 } });
const { append, files, raw, upload } = createSender(server);

const hash = (text: string) => chainHashOf(Buffer.from(text));
const TOKEN = `ghp_${"a8Kq2LmZ".repeat(5).slice(0, 36)}`;

describe("a part of a transcript file", () => {
  test("is stored as it was sent, and answered after the commit with what is held", async () => {
    const { status, body } = await append('{"a":1}\n{"b":2}\n');
    expect([status, body]).toEqual([
      202,
      {
        file: "main.jsonl",
        generation: 1,
        source_bytes: 16,
        source_hash: hash('{"a":1}\n{"b":2}\n'),
        stored_bytes: 16,
        status: "appended",
      },
    ]);
    expect(await raw()).toBe('{"a":1}\n{"b":2}\n');
    expect(await files()).toEqual([
      {
        file: "main.jsonl",
        kind: "main",
        agent: "claude-code",
        device_id: "laptop",
        generation: 1,
        source_bytes: 16,
        source_hash: hash('{"a":1}\n{"b":2}\n'),
        stored_bytes: 16,
        lines: 2,
        last_received_at: expect.any(String),
        parsed_bytes: 0,
        deletes_at: null,
      },
    ]);
  });

  test("shows that its device is active, also one that is held already or is refused", async () => {
    await append("one\n");
    const sent = [
      () => append("two\n", { offset: 4 }),
      () => append("two\n", { offset: 4 }),
      () => append("gap\n", { offset: 100 }),
      () => upload("one\ntwo\n"),
    ];
    for (const send of sent) {
      await server.sql`UPDATE devices SET last_seen_at = now() - interval '2 minutes'`;
      await send();
      expect(
        await server.sql`SELECT FROM devices WHERE last_seen_at > now() - interval '1 minute'`,
      ).toHaveLength(1);
    }
    const seen = async () => (await server.sql`SELECT last_seen_at FROM devices`)[0];
    const before = await seen();
    await append("three\n", { offset: 8 });
    expect(await seen()).toEqual(before);
  });

  test("that was cut within a line is kept up to the last whole line, and continues there", async () => {
    const first = await append("one\ntwo\nthr");
    expect(first.body).toMatchObject({
      source_bytes: 8,
      source_hash: hash("one\ntwo\n"),
      status: "appended",
    });
    expect((await append("three\n", { offset: 8 })).body).toMatchObject({
      source_bytes: 14,
      source_hash: null,
    });
    expect(await raw()).toBe("one\ntwo\nthree\n");
  });

  test("that holds no whole line stores nothing, and is answered with where the line begins", async () => {
    expect((await append("tor")).body).toMatchObject({ source_bytes: 0, status: "appended" });
    expect((await append("torn")).body).toMatchObject({ source_bytes: 0, status: "already_held" });
    expect((await append("torn\n")).body).toMatchObject({ source_bytes: 5, status: "appended" });
    expect((await append("x", { offset: 5 })).body).toMatchObject({
      source_bytes: 5,
      status: "already_held",
    });
    expect(await raw()).toBe("torn\n");
  });

  test("keeps a last line without a newline when it is final, and the line may continue", async () => {
    expect((await append("one\ntorn", { final: true })).body).toMatchObject({ source_bytes: 8 });
    expect((await files())[0]).toMatchObject({ lines: 2 });
    expect((await server.sql`SELECT is_torn FROM transcript_generations`)[0]).toEqual({ is_torn: true });
    expect((await append("one\ntorn", { final: true })).body).toMatchObject({ status: "already_held" });
    expect((await append(" after all\nlast\n", { offset: 8 })).body).toMatchObject({ source_bytes: 24 });
    expect(await raw()).toBe("one\ntorn after all\nlast\n");
    expect((await files())[0]).toMatchObject({ lines: 3 });
  });

  test("that is sent again is held already, with later parts held", async () => {
    await append("one\n");
    await append("two\n", { offset: 4 });
    for (const [text, offset] of [
      ["one\n", 0],
      ["two\n", 4],
    ] as const)
      expect(await append(text, { offset })).toMatchObject({
        status: 202,
        body: { status: "already_held", source_bytes: 8 },
      });
    expect(await raw()).toBe("one\ntwo\n");
  });

  test("that overlaps bytes without a known hash is in conflict, and told how to continue", async () => {
    await append("one\n");
    await append("two\n", { offset: 4 });
    const { status, body } = await append("one\ntwo\nthree\n");
    expect([status, body.held]).toEqual([409, { generation: 1, source_bytes: 8, source_hash: null }]);
    expect(body.detail).toBe(
      "Generation 1 of main.jsonl is held up to byte 8, and this part does not continue it. The hash of these bytes is unknown: upload the whole file, which is compared with what is kept.",
    );
  });

  test("that another part reaches with the same hash is held already, though it was cut differently", async () => {
    const source = (text: string) => ({ "source-bytes": `${text.length}`, "source-hash": hash(text) });
    await append("one\n", { headers: source("one\n") });
    await append("two\n", { offset: 4, headers: source("one\ntwo\n") });
    const whole = await append("one\ntwo\n", { headers: source("one\ntwo\n") });
    expect(whole).toMatchObject({ status: 202, body: { status: "already_held", source_bytes: 8 } });
  });

  const conflicts: [string, string, Parameters<typeof append>[1]][] = [
    ["leaves a gap", "x\n", { offset: 9 }],
    ["overlaps with other bytes", "onE\n", { offset: 0 }],
    ["overlaps and goes beyond", "one\ntwo\nthree\n", { offset: 0 }],
    ["begins within what is held", "wo\n", { offset: 5 }],
    ["follows other bytes", "x\n", { offset: 8, headers: { "source-offset-hash": hash("one\ntoo\n") } }],
    ["is of a generation that is too new", "x\n", { offset: 0, generation: 3 }],
    ["begins the next generation within it", "x\n", { offset: 4, generation: 2 }],
  ];
  for (const [what, text, sent] of conflicts)
    test(`that ${what} is in conflict, names what is held, and changes nothing`, async () => {
      const source = { "source-bytes": "8", "source-hash": hash("one\ntwo\n") };
      await append("one\ntwo\n", { headers: source });
      const held = { generation: 1, source_bytes: 8, source_hash: hash("one\ntwo\n") };
      expect(await append(text, sent)).toMatchObject({
        status: 409,
        body: { code: "TRANSCRIPT_CONFLICT", held },
      });
      expect(await raw()).toBe("one\ntwo\n");
    });

  test("of a file of which nothing is held begins at its start, in the first generation", async () => {
    const held = { generation: 1, source_bytes: 0, source_hash: EMPTY_CHAIN_HASH };
    for (const sent of [{ offset: 5 }, { generation: 2 }])
      expect(await append("x\n", sent)).toMatchObject({
        status: 409,
        body: { held, detail: expect.stringContaining("from offset=0 with generation=1") },
      });
    expect(await server.sql`SELECT FROM sessions`).toHaveLength(0);
  });

  test("of a file that was rewritten or became shorter begins the next generation, and the older stays", async () => {
    await append("one\ntwo\n");
    expect((await append("other\n", { generation: 2 })).body).toMatchObject({
      generation: 2,
      source_bytes: 6,
    });
    expect((await append("", { generation: 3 })).body).toMatchObject({ generation: 3, source_bytes: 0 });
    expect((await append("three\n", { generation: 3 })).body).toMatchObject({
      generation: 3,
      source_bytes: 6,
    });
    expect((await append("one\ntwo\n", { generation: 1 })).body).toMatchObject({
      status: "already_held",
      generation: 1,
    });
    expect((await append("four\n", { generation: 1, offset: 8 })).status).toBe(409);
    const generations = [1, 2, 3].map((generation) => raw(`file=main.jsonl&generation=${generation}`));
    expect(await Promise.all(generations)).toEqual(["one\ntwo\n", "other\n", "three\n"]);
    expect(await raw()).toBe("three\n");
  });

  test("after redaction by the device has the places of the device's file", async () => {
    const whole = `{"a":"${TOKEN}"}\n{"b":1}\n`;
    const redacted = '{"a":"[REDACTED:github-token:01234567]"}\n{"b":1}\n';
    const headers = { "source-bytes": `${whole.length}`, "source-hash": hash(whole) };
    expect((await append(redacted, { headers })).body).toMatchObject({
      source_bytes: whole.length,
      source_hash: hash(whole),
      stored_bytes: redacted.length,
    });
    const cut = { "source-bytes": `${whole.length + 100}`, "source-hash": hash("anything") };
    const more = await append(`${"x".repeat(39)}\ntorn`, { offset: whole.length, headers: cut });
    expect(more.body).toMatchObject({ source_bytes: whole.length + 96, source_hash: null });
    const [row] = await server.sql`SELECT redactions FROM transcript_generations`;
    expect(row?.["redactions"]).toEqual({ device: { "github-token": 1 } });
  });

  test("is redacted before it is stored, and what was replaced is counted over all parts", async () => {
    await append(`{"a":"${TOKEN}"}\n`);
    await append(`{"b":"${TOKEN}"}\n`, { offset: `{"a":"${TOKEN}"}\n`.length });
    expect(await raw()).not.toContain(TOKEN);
    expect(await raw()).toMatch(/^\{"a":"\[REDACTED:.+\]"\}\n\{"b":"\[REDACTED:.+\]"\}\n$/);
    const [row] =
      await server.sql`SELECT redactions -> 'hub' AS hub, redaction_version FROM transcript_generations`;
    expect(Object.values(row?.["hub"] ?? {})).toEqual([2]);
    expect(row?.["redaction_version"]).toBeGreaterThan(0);
  });

  test("keeps the size and hash of a line that is too long, in its place", async () => {
    const long = "x".repeat(201);
    const sha256 = new Bun.CryptoHasher("sha256").update(long).digest("hex");
    expect((await append(`a\n${long}\nb\n`)).body).toMatchObject({ source_bytes: 206 });
    expect(await raw()).toBe(`a\n{"type":"wharf_oversized_line","bytes":201,"sha256":"${sha256}"}\nb\n`);
    expect((await files())[0]).toMatchObject({ lines: 3 });
  });

  for (const [name, bytes] of Object.entries({
    "with CRLF, a byte order mark, NUL and U+2028": Buffer.from(
      '\ufeff{"a":1}\r\n\r\n{"b":"\u2028\u0000"}\n',
    ),
    "that is no text": Buffer.from([0, 255, 254, 10, 128, 192, 10]),
    "of empty lines": Buffer.from("\n\n\n"),
  }))
    test(`${name} is kept byte for byte, cut at any byte`, async () => {
      for (let cut = 0; cut <= bytes.length; cut++) {
        const session = `s${cut}`;
        const first = await append(bytes.subarray(0, cut), { session });
        const { source_bytes } = first.body;
        await append(bytes.subarray(source_bytes), { session, offset: source_bytes });
        const response = await server
          .current()
          .app.request(`/api/sessions/${session}/transcript/raw?file=main.jsonl`, {
            headers: { authorization: `Bearer ${server.key}` },
          });
        expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
      }
    });
});

describe("a secret across the cut after a final part", () => {
  const KEY = `sk-ant-api03-${"aZ3kQ9xW7bT1".repeat(4)}AA`;
  const text = `{"a":1}\n{"b":"${TOKEN} and","c":"${KEY}"}\n{"d":2}\n`;
  const bytes = Buffer.from(text);

  test("is replaced, wherever the cut is, and the rows count the device's bytes and lines", async () => {
    for (let cut = 9; cut < text.length; cut += 7) {
      const session = `s${cut}`;
      const whole = { "source-bytes": `${text.length}`, "source-hash": hash(text) };
      await append(bytes.subarray(0, cut), { session, final: true });
      const again = {
        session,
        offset: cut,
        headers: { ...whole, "source-offset-hash": hash(text.slice(0, cut)) },
      };
      for (const status of ["appended", "already_held"])
        expect((await append(bytes.subarray(cut), again)).body).toMatchObject({
          status,
          source_bytes: text.length,
          source_hash: hash(text),
        });
      const kept = await raw("file=main.jsonl", session);
      expect(kept).toMatch(
        /^\{"a":1\}\n\{"b":"\[REDACTED:github-token:.{8}\] and","c":"\[REDACTED:anthropic-api-key:.{8}\]"\}\n\{"d":2\}\n$/,
      );
      expect(await files(session)).toMatchObject([{ lines: 3, stored_bytes: kept.length }]);
    }
    const segments = await server.sql`
      SELECT file_id, source_start::int, source_end::int, stored_start::int, stored_bytes::int, lines::int
      FROM transcript_segments ORDER BY file_id, stored_start`;
    for (const [index, { file_id, source_start, stored_start }] of segments.entries()) {
      const before = segments[index - 1];
      const isFirst = before?.["file_id"] !== file_id;
      expect(source_start).toBe(isFirst ? 0 : before?.["source_end"]);
      expect(stored_start).toBe(isFirst ? 0 : before?.["stored_start"] + before?.["stored_bytes"]);
    }
    const [counts] = await server.sql`
      SELECT max((hub.value)::int) AS most FROM transcript_generations, jsonb_each_text(redactions -> 'hub') AS hub
      WHERE redactions ->> 'device' = '{}' OR NOT redactions ? 'device'`;
    expect(counts).toEqual({ most: 1 });
    expect(
      await server.sql`SELECT FROM transcript_generations WHERE redactions -> 'device' <> '{}'`,
    ).toHaveLength(0);
  });

  test("is replaced after several cuts, and after one within a tool's result", async () => {
    for (const [kind, file] of [
      ["main", "main.jsonl"],
      ["tool-result", "t1.txt"],
    ] as const) {
      let offset = 0;
      for (const part of `{"a":"${TOKEN}"}`.match(/.{1,9}/g) ?? []) {
        await append(part, { kind, file, offset, final: true });
        offset += part.length;
      }
      await append("\n", { kind, file, offset });
      expect(await raw(`file=${file}`)).toMatch(/^\{"a":"\[REDACTED:github-token:.{8}\]"\}\n$/);
      expect((await files()).find((held: { file: string }) => held.file === file)).toMatchObject({
        lines: 1,
      });
    }
  });

  test("of a private key in a text is replaced up to its end", async () => {
    const sent = { kind: "tool-result", file: "t1.txt" };
    const lines = Array.from({ length: 20 }, () => "aZ3kQ9xW7bT1".repeat(5)).join("\n");
    const key = `x\n-----BEGIN RSA PRIVATE KEY-----\n${lines}\n-----END RSA PRIVATE KEY-----\nafter\n`;
    for (const cut of [20, 40, 95, 95 + 61, 1200]) {
      const session = `s${cut}`;
      await append(key.slice(0, cut), { ...sent, session });
      await append(key.slice(cut), { ...sent, session, offset: cut });
      expect(await raw("file=t1.txt", session)).toMatch(/^x\n\[REDACTED:private-key:.{8}\]\s*\nafter\n$/);
    }
  });

  test("does not keep a file with damaged bytes from growing", async () => {
    await append('{"a":1}\n{"b"', { final: true });
    await server.sql`DELETE FROM blob_chunks`;
    await server.sql`DELETE FROM blobs`;
    expect(await append(":2}\n", { offset: 12 })).toMatchObject({ status: 202, body: { source_bytes: 16 } });
  });

  test("is parsed as one record, whether or not its first part was parsed before", async () => {
    const database = server.current().pools.deferrable;
    const parse = () => parseSession({ database, blobs: createPostgresBlobStore(database) }, "s1");
    const user = (uuid: string, content: string) =>
      JSON.stringify({
        type: "user",
        uuid,
        sessionId: "s1",
        timestamp: "2026-03-01T00:00:00Z",
        message: { role: "user", content },
      });
    const [one, two, three] = [user("u1", "a"), user("u2", "b"), user("u3", "c")];
    await append(`${one}\n${two.slice(0, 50)}`, { final: true });
    await parse();
    await append(`${two.slice(50)}\n${three}\n`, { offset: one.length + 51 });
    await parse();
    const [row] =
      await server.sql`SELECT parsed_bytes = stored_bytes AS done, parsed_lines::int, counts FROM transcript_generations`;
    expect(row).toMatchObject({ done: true, parsed_lines: 3, counts: { records: 3, torn: 0, bad: 0 } });
  });
});

describe("a small file that is sent whole", () => {
  const meta = { file: "subagents/agent-a1.meta.json", kind: "meta" };

  test("is a new generation with each version, and held already when it is the same", async () => {
    expect((await append('{"v":1}', meta)).body).toMatchObject({ generation: 1, status: "appended" });
    expect((await append('{"v":1}', meta)).body).toMatchObject({ generation: 1, status: "already_held" });
    expect((await append('{"v":2}', meta)).body).toMatchObject({ generation: 2, status: "appended" });
    expect((await append('{"v":2}', { ...meta, generation: 3 })).body).toMatchObject({
      generation: 2,
      status: "already_held",
    });
    expect((await append('{"v":1}', { ...meta, generation: 1 })).body).toMatchObject({
      status: "already_held",
    });
    expect((await append('{"v":3}', { ...meta, generation: 1 })).status).toBe(409);
    expect((await append("", meta)).body).toMatchObject({ generation: 3, status: "appended" });
    expect((await append("", meta)).body).toMatchObject({ generation: 3, status: "already_held" });
    expect(await raw(`file=${meta.file}&generation=1`)).toBe('{"v":1}');
  });

  test("may have no newline at its end, and is not torn", async () => {
    await append("a tool's output\nwithout an end", { file: "tool-results/t1.txt", kind: "tool-result" });
    expect(await raw("file=tool-results/t1.txt")).toBe("a tool's output\nwithout an end");
    expect((await server.sql`SELECT is_torn, lines::int FROM transcript_generations`)[0]).toEqual({
      is_torn: false,
      lines: 2,
    });
  });
});

test("without a kind, files below subagents/ are transcripts of subagents", async () => {
  await append("a\n", { file: "subagents/agent-1.jsonl" });
  await upload("b\n", "device_id=laptop&file=subagents/agent-2.jsonl");
  await append("c\n", { file: "other/agent-3.jsonl" });
  const held = await server.sql`SELECT file, kind FROM transcript_files ORDER BY file`;
  expect(held.map(({ file, kind }) => [file, kind])).toEqual([
    ["other/agent-3.jsonl", "main"],
    ["subagents/agent-1.jsonl", "subagent"],
    ["subagents/agent-2.jsonl", "subagent"],
  ]);
});

describe("requests that are refused", () => {
  for (const file of ["../x", "a/../b", "/etc/passwd", "a//b", ".", "a\\b", "a\u0001b", "x".repeat(501), ""])
    test(`the path ${JSON.stringify(file.slice(0, 20))} is not one below the session's folder`, async () => {
      expect((await append("a\n", { file })).status).toBe(400);
      expect(await server.sql`SELECT FROM transcript_files`).toHaveLength(0);
    });

  test("a path of 500 bytes is one", async () => {
    expect((await append("a\n", { file: "ü".repeat(250) })).status).toBe(202);
  });

  for (const [name, headers] of Object.entries({
    "a length before the part": { "source-bytes": "3" },
    "a length that is no number": { "source-bytes": "many" },
    "a hash that is none": { "source-hash": "abc" },
    "a length that no number counts to": { "source-bytes": "9007199254740993" },
    "a length that does not grow": { "source-bytes": "0" },
  }))
    test(`headers with ${name} do not fit`, async () => {
      expect((await append("one\ntwo\n", { headers, offset: name.includes("before") ? 4 : 0 })).status).toBe(
        400,
      );
    });

  test("a part that is too large, as sent or decompressed, is refused and leaves nothing", async () => {
    expect((await append("x".repeat(10_001))).status).toBe(413);
    const packed = Bun.gzipSync(Buffer.from("x".repeat(1_000_000)));
    expect((await append(packed, { headers: { "content-encoding": "gzip" } })).status).toBe(413);
    expect(await server.sql`SELECT FROM transcript_files`).toHaveLength(0);
  });

  test("compressed parts are taken, and what is not compressed as declared is refused", async () => {
    const parts = { gzip: Bun.gzipSync(Buffer.from("one\n")), zstd: await Bun.zstdCompress("two\n") };
    expect((await append(parts.gzip, { headers: { "content-encoding": "gzip" } })).status).toBe(202);
    expect((await append(parts.zstd, { offset: 4, headers: { "content-encoding": "zstd" } })).status).toBe(
      202,
    );
    expect((await append("three\n", { offset: 8, headers: { "content-encoding": "gzip" } })).status).toBe(
      400,
    );
    expect(await raw()).toBe("one\ntwo\n");
  });
});
