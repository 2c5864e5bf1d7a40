import { describe, expect, test } from "bun:test";
import { setupApp } from "../../../__tests__/setup-app.ts";
import { openBlobStore } from "../../../blobs/open-blob-store.ts";
import { compactSegments, runsOf } from "../compact-segments.ts";
import { createSender } from "./send-file.ts";

const MIB = 1024 * 1024;
const server = setupApp();
const { append, files, raw } = createSender(server);

const signal = new AbortController().signal;
const database = () => server.current().pools.deferrable;
const blobs = () => openBlobStore({ kind: "postgres" }, database());
const compact = async () => compactSegments({ database: database(), blobs: await blobs() }, signal);
const settle = () => server.sql`UPDATE transcript_segments SET created_at = created_at - interval '2 hours'`;
const segments = () => server.sql`SELECT * FROM transcript_segments ORDER BY stored_start`;

async function appendLines(count: number, session = "s1"): Promise<string> {
  let text = "";
  for (let n = 0; n < count; n++) {
    const line = `{"n":${n},"session":"${session}"}\n`;
    await append(line, { session, offset: text.length });
    text += line;
  }
  return text;
}

describe("segments of a file that grew in many parts", () => {
  test("become one with the same bytes, lines and positions; appending continues", async () => {
    const text = await appendLines(12);
    await settle();
    await server.sql`UPDATE transcript_generations SET parsed_bytes = 60, parsed_lines = 3`;
    const before = [...(await server.sql`SELECT * FROM transcript_generations`)];
    expect(await compact()).toBe(11);
    expect(await segments()).toMatchObject([
      { source_start: "0", source_end: String(text.length), stored_bytes: String(text.length), lines: "12" },
    ]);
    expect(await raw()).toBe(text);
    expect([...(await server.sql`SELECT * FROM transcript_generations`)]).toEqual(before);
    expect((await append("more\n", { offset: text.length })).body).toMatchObject({ status: "appended" });
    expect(await raw()).toBe(`${text}more\n`);
    expect(await compact()).toBe(0);
  });

  test("leave their blobs to readers for an hour; then the blobs are listed to be removed", async () => {
    const text = await appendLines(8);
    await settle();
    await server.sql`DELETE FROM unreferenced_blobs`;
    await compact();
    const listed =
      await server.sql`SELECT since > now() - interval '1 minute' AS is_new FROM unreferenced_blobs`;
    // Those of eight segments, and the announcement of the merged one.
    expect(listed.map((row) => row["is_new"])).toEqual(Array(9).fill(true));
    expect(await raw()).toBe(text);
  });

  test("stay as they are when they are few, or younger than an hour", async () => {
    await appendLines(7);
    await appendLines(9, "s2");
    await server.sql`UPDATE transcript_segments SET created_at = now() - interval '2 hours' WHERE session_id = 's1'`;
    expect(await compact()).toBe(0);
    expect(await segments()).toHaveLength(16);
  });

  test("that change while they are merged stay as they are", async () => {
    await appendLines(8);
    await settle();
    const store = await blobs();
    const changing = {
      ...store,
      put: async (content: ReadableStream<Uint8Array>) => {
        await server.sql`DELETE FROM transcript_segments WHERE stored_start = 0`;
        return await store.put(content);
      },
    };
    expect(await compactSegments({ database: database(), blobs: changing }, signal)).toBe(0);
    expect(await segments()).toHaveLength(7);
  });

  test("of many generations are merged in one run, each by itself", async () => {
    const texts = [await appendLines(8, "a"), await appendLines(9, "b")];
    await settle();
    expect(await compact()).toBe(7 + 8);
    expect([await raw("file=main.jsonl", "a"), await raw("file=main.jsonl", "b")]).toEqual(texts);
    expect(await files("a")).toMatchObject([{ lines: 8 }]);
  });
});

test("runs hold small segments up to 4 MiB together, and no large one", () => {
  const sizes = [...Array(10).fill(MIB / 2), 2 * MIB, ...Array(8).fill(1), MIB - 1, ...Array(7).fill(1)];
  let stored_start = 0;
  const all = sizes.map((stored_bytes: number) => {
    const segment = { stored_start, stored_bytes, blob_hash: String(stored_start) };
    stored_start += stored_bytes;
    return segment;
  });
  expect(runsOf(all).map((run) => run.map(({ stored_bytes }) => stored_bytes))).toEqual([
    Array(8).fill(MIB / 2),
    [...Array(8).fill(1), MIB - 1, ...Array(7).fill(1)],
  ]);
});
