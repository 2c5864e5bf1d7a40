import { expect, test } from "bun:test";
import { walk } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { HUNKS_MAX } from "../../db/reads/transcripts/files.ts";
import { addCall, addFile, addMessages, call } from "../../transcripts/__tests__/add-messages.ts";

const server = setupApp();

async function addCalls(): Promise<string> {
  const edit = { file_path: "/b.ts", old_string: "one\ntwo\n", new_string: "one\n2\n" };
  const messages = [
    { id: "m1", kind: "assistant", blocks: [call("c1", "Read", { file_path: "/a.ts" })] },
    { id: "m2", kind: "assistant", blocks: [call("c2", "Edit", edit)] },
    {
      id: "m3",
      kind: "assistant",
      blocks: [call("c3", "Write", { file_path: "/b.ts", content: "x".repeat(100_000) })],
    },
  ];
  const file_id = await addMessages(server.sql, { session_id: "s", messages });
  const of = { session_id: "s" };
  await addCall(server.sql, file_id, {
    ...of,
    call_id: "c1",
    tool: "Read",
    touches: [{ path: "/a.ts", reads: 1 }],
  });
  await addCall(server.sql, file_id, {
    ...{ ...of, call_id: "c2", message_id: "m2", tool: "Edit", called_at: "2025-03-14T10:00:01Z" },
    touches: [{ path: "/b.ts", writes: 1, added: 1, removed: 1 }],
  });
  await addCall(server.sql, file_id, {
    ...{ ...of, call_id: "c3", message_id: "m3", tool: "Write", called_at: "2025-03-14T10:00:02Z" },
    touches: [
      { path: "/b.ts", reads: 1, writes: 1, added: 5 },
      { path: "/c.ts", writes: 1 },
    ],
  });
  return file_id;
}

test("the files of a session add up what each of its calls did", async () => {
  await addCalls();
  const { body } = await server.request("GET", "/api/sessions/s/files");
  expect(body.files).toMatchObject([
    { path: "/a.ts", reads: 1, writes: 0, added: null, removed: null },
    { path: "/b.ts", reads: 1, writes: 2, added: 6, removed: 1 },
    { path: "/c.ts", reads: 0, writes: 1, added: null, removed: null },
  ]);
  expect(body.files[0]).not.toHaveProperty("hunks");
  const paths = await walk(server, "/api/sessions/s/files?limit=1", "files");
  expect(paths.map(({ path }) => path)).toEqual(["/a.ts", "/b.ts", "/c.ts"]);
});

test("files of calls that another device alone shows are not among them, as in the session's facts", async () => {
  await addCalls();
  const ofOther = await addFile(server.sql, { session_id: "s", device_id: "another" });
  await addCall(server.sql, ofOther, {
    ...{ session_id: "s", call_id: "others", tool: "Write", called_at: "2025-03-14T10:00:03Z" },
    touches: [
      { path: "/b.ts", writes: 10 },
      { path: "/d.ts", writes: 1 },
    ],
  });
  const { body } = await server.request("GET", "/api/sessions/s/files");
  expect(body.files.map(({ path, writes }: { path: string; writes: number }) => [path, writes])).toEqual([
    ["/a.ts", 0],
    ["/b.ts", 2],
    ["/c.ts", 1],
  ]);
  const one = await server.request("GET", "/api/sessions/s/files?path=/b.ts");
  expect(one.body.files[0].hunks.map(({ call_id }: { call_id: string }) => call_id)).not.toContain("others");
});

test("files of calls that were copied from another session are not among them", async () => {
  const file_id = await addCalls();
  await addCall(server.sql, file_id, {
    ...{ session_id: "s", call_id: "copied", tool: "Write" },
    touches: [
      { path: "/b.ts", writes: 10 },
      { path: "/d.ts", writes: 1 },
    ],
  });
  await server.sql`UPDATE tool_calls SET is_copy = true WHERE call_id = 'copied'`;
  const { body } = await server.request("GET", "/api/sessions/s/files");
  expect(body.files.map(({ path, writes }: { path: string; writes: number }) => [path, writes])).toEqual([
    ["/a.ts", 0],
    ["/b.ts", 2],
    ["/c.ts", 1],
  ]);
});

test("one file has its changes, as far as the calls show them", async () => {
  await addCalls();
  const { body } = await server.request("GET", "/api/sessions/s/files?path=/b.ts");
  expect(body.files).toHaveLength(1);
  expect(body.files[0].hunks).toMatchObject([
    { call_id: "c2", message_id: "m2", tool: "Edit", diff: " one\n-two\n+2", is_cut: false },
    { call_id: "c3", message_id: "m3", tool: "Write", diff: null, is_cut: true },
  ]);
});

test("a file with very many changes has the latest", async () => {
  const file_id = await addCalls();
  for (let n = 0; n <= HUNKS_MAX; n++)
    await addCall(server.sql, file_id, {
      ...{
        session_id: "s",
        call_id: `e${n}`,
        tool: "Edit",
        called_at: new Date(Date.UTC(2025, 2, 15, 0, n)).toISOString(),
      },
      touches: [{ path: "/b.ts", writes: 1 }],
    });
  const { body } = await server.request("GET", "/api/sessions/s/files?path=/b.ts");
  const ids = body.files[0].hunks.map(({ call_id }: { call_id: string }) => call_id);
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([HUNKS_MAX, "e1", `e${HUNKS_MAX}`]);
});

test("an unknown session is answered with 404, and an unknown file with no files", async () => {
  await addCalls();
  expect((await server.request("GET", "/api/sessions/none/files")).status).toBe(404);
  expect((await server.request("GET", "/api/sessions/s/files?path=/none")).body.files).toEqual([]);
});
