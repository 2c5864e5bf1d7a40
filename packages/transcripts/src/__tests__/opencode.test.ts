import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Fact, type JsonObject, opencode } from "../index.ts";
import { filesOfCase } from "./case-files.ts";
import { describeSession } from "./describe-session.ts";
import { countHome } from "./hub.ts";
import { CASES, casesWith, type Expected, readTranscript } from "./read-file.ts";

/** A database is no text: the case has it as statements. */
const folders = casesWith("opencode.sql");

describe("opencode", () => {
  for (const folder of folders) {
    test(`reads the rows of ${folder} as expected`, async () => {
      const expected: Expected = await Bun.file(join(CASES, folder, "expected.json")).json();
      const temporary = await mkdtemp(join(tmpdir(), "wharf-opencode-"));
      try {
        const files = await Promise.all(
          (await filesOfCase(folder)).map(async ({ session_id, file, bytes }) => {
            const path = join(temporary, `${session_id}.jsonl`);
            await Bun.write(path, bytes);
            return readTranscript(opencode, path, { session_id, file });
          }),
        );
        const counted = countHome(files);
        for (const { parent, ...wanted } of expected.sessions) {
          const session = counted.find(({ id }) => id === wanted.id);
          if (session === undefined) throw new Error("a session is missing");
          expect(describeSession(session, [])).toMatchObject(wanted);
          if (parent !== undefined)
            expect(session.facts).toContainEqual(expect.objectContaining({ fact: "origin", parent }));
        }
        expect(counted.flatMap(({ responses }) => responses)).toHaveLength(
          Number(expected.totals["responses"]),
        );
      } finally {
        await rm(temporary, { recursive: true });
      }
    });
  }

  test("has a case to read", () => {
    expect(folders).toHaveLength(1);
  });
});

function readAll(records: JsonObject[]): Fact[] {
  const state = opencode.begin({ session_id: "s", file: "rows.jsonl" });
  return records.flatMap((record, index) => opencode.read(state, record, index + 1));
}

test("leaves what the agent adds to a prompt out of it, and counts a part whose message is missing", () => {
  const message = { table: "message", row: { id: "m", data: { role: "user" } } };
  const part = (data: JsonObject, message_id = "m") => ({
    table: "part",
    row: { id: "p", message_id, data },
  });
  const facts = readAll([
    message,
    part({ type: "text", text: "Read it" }),
    part({ type: "text", text: "file content", synthetic: true }),
    part({ type: "text", text: "lost" }, "another"),
  ]);
  const last = facts.findLast(({ fact }) => fact === "message");
  expect(last?.fact === "message" && last.message.blocks.map(({ text }) => text)).toEqual(["Read it"]);
  expect(facts.at(-1)).toEqual({ fact: "unknown", type: "part without its message" });
});

test("reads odd rows without an error", () => {
  for (const table of ["session", "session_v2", "message", "part", "session_message", "hologram"]) {
    for (const data of ["{", "null", "[1]", null, 7, { time: { created: 1e300 }, tokens: 1, content: [1] }])
      expect(() =>
        readAll([{ table, row: { id: "m", message_id: "m", type: "assistant", data } }]),
      ).not.toThrow();
    expect(() => readAll([{ table }, { table, row: 1 }])).not.toThrow();
  }
});
