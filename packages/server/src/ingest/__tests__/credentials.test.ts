import { expect, test } from "bun:test";
import { clearRows } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import { anEvent, minute, send, start } from "./event-factory.ts";

const server = setupApp();
const SECRET = "hunter2-s3cret";
const REMOTES = [
  `https://me:${SECRET}@github.com/acme/widgets.git`,
  `https://${SECRET}@github.com/acme/widgets`,
  `https://me:x/${SECRET}@github.com/acme/widgets`,
  `https:/me:${SECRET}@github.com/acme/widgets`,
  `ssh://me:${SECRET}@github.com:22/acme/widgets`,
  `me:${SECRET}@github.com:acme/widgets.git`,
  `https://github.com/acme/widgets?private_token=${SECRET}`,
  `not a remote, https://me:${SECRET}@github.com/x`,
];

/** Every value of every table, as one text. */
async function everythingStored(): Promise<string> {
  const tables = await server.sql<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`;
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await server.sql<{ text: string }[]>`SELECT t::text AS text FROM ${server.sql(name)} t`;
    texts.push(...rows.map((row) => row.text));
  }
  return texts.join("\n");
}

test.each(REMOTES)("the credential in %s reaches no table and no answer", async (remote) => {
  const push = { branch: "main", remote, commit_count: 1 };
  const odd = { ...anEvent({ workspace_id: remote }), data: { git_remote: remote, remote, text: "\0" } };
  const batch = [
    anEvent({ workspace_id: remote }),
    start("s1", 0, { git_remote: remote }, { workspace_id: remote }),
    anEvent({ type: "git.push", data: push }),
    odd,
    { ...odd, data: { ...odd.data, another: true } },
    { ...anEvent(), type: "BAD", workspace_id: remote, data: { git_remote: remote, remote } },
    { ...anEvent(), timestamp: "never", data: { remote } },
  ];
  const answer = await send(server, batch);
  expect(answer.rejected).toBe(2);
  const report = { id: "s2", workspace_id: remote, device_id: "d", started_at: minute(0) };
  const reported = await server.request("POST", "/api/sessions", report);
  expect(reported.status).toBe(201);
  const stored = await everythingStored();
  expect(stored).toContain("s2");
  expect(stored).toContain("different_body");
  expect(stored).not.toContain(SECRET);
  expect(JSON.stringify([answer, reported.body])).not.toContain(SECRET);
  await clearRows(server.sql);
});

test("a remote without a credential is stored as it was sent", async () => {
  const remotes = ["git@github.com:acme/widgets.git", "https://github.com/acme/widgets@v2", "origin"];
  await send(
    server,
    remotes.map((git_remote, at) => start(`s${at}`, at, { git_remote })),
  );
  const rows = await server.sql<
    { remote: string }[]
  >`SELECT data ->> 'git_remote' AS remote FROM events ORDER BY timestamp`;
  expect(rows.map((row) => row.remote)).toEqual(remotes);
});
