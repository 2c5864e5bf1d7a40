import { expect, test } from "bun:test";
import { clearRows } from "@wharf/testkit";
import { seededRandom } from "../../__tests__/seeded-random.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { createLogger } from "../../logger.ts";
import { anEvent, minute, send, start } from "./event-factory.ts";

const logged: string[] = [];
const server = setupApp({
  logger: createLogger("trace", false, { write: (line) => void logged.push(line) }),
});
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
  `hg::https://me:${SECRET}@github.com/acme/widgets`,
  `gcrypt::me:${SECRET}@github.com:acme/widgets`,
  `codecommit::us-east-1://${SECRET}@widgets`,
  `me:${SECRET}@github.com/acme/widgets.git`,
  `me@corp.example:${SECRET}@github.com/acme/widgets`,
  `${SECRET}@github.com/acme/widgets`,
  `git@github.com:acme/widgets?token=${SECRET}`,
  ` https://github.com/acme/widgets?token=${SECRET}`,
  `github.com/acme/widgets%3Ftoken=${SECRET}`,
  `https://github.com/acme/widgets#token=${SECRET}`,
  `https://me:1234/${SECRET}@github.com/acme/widgets`,
  `https://me:a ${SECRET}@github.com/acme/widgets`,
  `https://me:a"${SECRET}@github.com/acme/widgets`,
  `https://me:${SECRET}%40github.com/acme/widgets`,
  `https://me:${SECRET}%2540github.com/acme/widgets`,
  `https://github.com/a/b https://me:${SECRET}@github.com/acme/widgets`,
  `https://oauth2:${SECRET}${"x".repeat(1_500)}@github.com/acme/widgets`,
  `https://me:${SECRET}`,
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
    { ...anEvent(), type: "BAD", data: { deep: [{ remotes: { origin: remote } }], git_remote: [remote] } },
    remote,
    anEvent({ type: "remote.provision.start", data: { blueprint: { git_remote: remote } } }),
    anEvent({ data: { nested: { list: [{ remote_url: remote }] } } }),
  ];
  const answer = await send(server, batch);
  expect(answer.rejected).toBe(4);
  const line = JSON.stringify({ ...anEvent({ workspace_id: remote }), data: { remote } });
  const lines = [line.slice(0, -1), line.slice(0, line.indexOf(SECRET) + SECRET.length), `{${line}`].join(
    "\n",
  );
  const unreadable = await server.request("POST", "/api/events", lines, {
    "content-type": "application/x-ndjson",
  });
  expect(unreadable.body.rejected).toBe(3);
  const metadata = { git_remote: remote, clone: { remotes: [{ origin: remote }] }, remote_url: remote };
  const report = { id: "s2", workspace_id: remote, device_id: "d", started_at: minute(0), metadata };
  const reported = await server.request("POST", "/api/sessions", report);
  expect(reported.status).toBe(201);
  const { id: session_id, metadata: _, ...rest } = report;
  const backfill = { ...rest, session_id: `${session_id}-backfilled`, workspace_canonical_id: remote };
  expect((await server.request("POST", "/api/backfill/sessions", backfill)).status).toBe(201);
  const blueprint = { name: "b", config: { git_remote: remote } };
  expect((await server.request("POST", "/api/blueprints", blueprint)).status).toBe(201);
  const named = encodeURIComponent(remote);
  const workspace = await server.request("GET", `/api/workspaces/${named}`);
  expect([200, 404]).toContain(workspace.status);
  const filtered = await server.request("GET", `/api/sessions?workspace_id=${named}`);
  expect([200, 400]).toContain(filtered.status);
  const stored = await everythingStored();
  expect(stored).toContain("s2");
  expect(stored).toContain("different_body");
  expect(stored).not.toContain(SECRET);
  const answers = [answer, unreadable.body, reported.body, filtered.body];
  expect(JSON.stringify(answers)).not.toContain(SECRET);
  // The path is in `instance` as it was sent.
  expect(JSON.stringify({ ...workspace.body, instance: "" })).not.toContain(SECRET);
  expect(logged.join("")).toContain("request");
  expect(logged.join("")).not.toContain(SECRET);
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

test("a rejected body that is cut within a password keeps no part of it", async () => {
  const password = SECRET.repeat(20_000);
  const text = `clone https://me:${password}@github.com/acme/widgets`;
  const answer = await send(server, [{ ...anEvent({ data: { text } }), type: "BAD" }]);
  expect(answer.rejected).toBe(1);
  const stored = await everythingStored();
  expect(stored).toContain("clone https");
  expect(stored).not.toContain(SECRET);
});

test("what is no remote keeps its at signs", async () => {
  const data = {
    text: "mail me@work.example, see http://localhost:5173/@vite/client?to=me@work.example or ssh://git@h/x",
    tags: ["https://h.example", "@types/node"],
    remote_user: "me@work.example",
    remote: "origin",
  };
  await send(server, [anEvent({ data })]);
  const [row] = await server.sql`SELECT data FROM events`;
  expect(row?.["data"]).toEqual(data);
});

const URL_WITH_ACCOUNT = `https://me:${SECRET}@github.com/acme/widgets`;
const LOST_SCHEME = `me:${SECRET}@github.com/acme/widgets`;

test.each<[string, Record<string, unknown>]>([
  ["a workspace's id in a payload", { workspace_id: URL_WITH_ACCOUNT }],
  ["a workspace's canonical id below another key", { repo: { workspace_canonical_id: LOST_SCHEME } }],
  ["names in camel case", { remoteUrl: LOST_SCHEME, gitRemote: LOST_SCHEME, workspaceId: LOST_SCHEME }],
  ["names in capitals", { REMOTE: LOST_SCHEME, Git_Remote_URL: LOST_SCHEME }],
  ["an origin", { origin: LOST_SCHEME }],
  ["a key that is a URL", { [URL_WITH_ACCOUNT]: 1 }],
  ["a key among remotes", { remotes: { [URL_WITH_ACCOUNT]: 1, [`x:${SECRET}@github.com/a/b`]: 2 } }],
  ["a text", { text: `git clone ${URL_WITH_ACCOUNT} && curl "ftp://${SECRET}@h/x"` }],
  ["a list in a list", { list: [[`see postgres://me:${SECRET}@db:5432/wharf?sslmode=require`]] }],
])("%s loses its credentials in a payload, a blob reference and metadata", async (_, fields) => {
  const blob = { key: "k", content_type: "text/plain", size_bytes: 1, ...fields };
  const answer = await send(server, [anEvent({ data: fields }), anEvent({ blob_refs: [blob] })]);
  expect(answer.ingested).toBe(2);
  const report = { id: "s1", workspace_id: "h.example/a/b", device_id: "d", started_at: minute(0) };
  const reported = await server.request("POST", "/api/sessions", { ...report, metadata: fields });
  expect(reported.status).toBe(201);
  const stored = await everythingStored();
  expect(stored).toContain("text/plain");
  expect(stored).not.toContain(SECRET);
});

test("an id that is a URL loses its credentials in the response and in its note", async () => {
  const answer = await send(server, [{ ...anEvent(), id: URL_WITH_ACCOUNT, device_id: URL_WITH_ACCOUNT }]);
  expect(answer.rejected).toBe(1);
  expect(JSON.stringify(answer)).not.toContain(SECRET);
  const stored = await everythingStored();
  expect(stored).toContain("https://github.com/acme/widgets");
  expect(stored).not.toContain(SECRET);
});

test("of a line that cannot be read 200 characters are kept, but not a word that they end within", async () => {
  const line = `{"text":"${"word ".repeat(100)}`;
  await server.request("POST", "/api/events", line, { "content-type": "application/x-ndjson" });
  const [note] = await server.sql`SELECT body FROM ingest_notes`;
  expect(note?.["body"]).toBe(line.slice(0, 199));
});

const PARTS = {
  blank: ["", "", " ", "see ", "\t"],
  helper: ["", "", "hg::", "gcrypt::", "a::b::"],
  scheme: ["https://", "ssh://", "git://", "svn://", "https:/", ""],
  account: [
    SECRET,
    `me:${SECRET}`,
    `me:1/${SECRET}`,
    `me:a ${SECRET}`,
    `me:a"${SECRET}`,
    `a@b.example:${SECRET}`,
    `:${SECRET}`,
  ],
  sign: ["@", "%40", "%2540"],
  host: ["github.com", "localhost", "[2001:db8::1]"],
  port: ["", ":22", ":x"],
  separator: ["/", ":", "//"],
  path: ["acme/widgets.git", "r", "My Project/x", "x@v2"],
  query: ["", `?token=${SECRET}`, `#t=${SECRET}`, `%3Ft=${SECRET}`],
};

test("two hundred remotes of other forms leave their credentials in no table and no log line", async () => {
  const random = seededRandom(20_261_129);
  const oneOf = (texts: readonly string[]) => texts[Math.floor(random() * texts.length)] ?? "";
  const remotes = Array.from({ length: 200 }, () => Object.values(PARTS).map(oneOf).join(""));
  const events = remotes.flatMap((remote, n) => [
    start(`s${n}`, 0, { git_remote: remote }, { workspace_id: remote }),
    { ...anEvent({ workspace_id: remote, data: { remote, remotes: [remote] } }), type: "BAD" },
  ]);
  const answer = await send(server, events);
  expect([answer.ingested, answer.rejected]).toEqual([200, 200]);
  const lines = events.map((event) => JSON.stringify(event).slice(0, -1)).join("\n");
  await server.request("POST", "/api/events", lines, { "content-type": "application/x-ndjson" });
  for (const remote of remotes) await server.request("GET", `/api/workspaces/${encodeURIComponent(remote)}`);
  expect(await everythingStored()).not.toContain(SECRET);
  expect(logged.join("")).not.toContain(SECRET);
});
