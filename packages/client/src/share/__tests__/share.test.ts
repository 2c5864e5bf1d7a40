import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createPostgresBlobStore } from "../../../../server/src/blobs/postgres-store.ts";
import { openDatabase } from "../../../../server/src/db/database.ts";
import {
  assistantLine,
  promptLine,
  resultLine,
  subagentMeta,
} from "../../../../server/src/transcripts/__tests__/claude-lines.ts";
import { parseSession } from "../../../../server/src/transcripts/parse/parse-session.ts";
import { type Machine, setupHub } from "../../__tests__/hub.ts";
import { requireProfile } from "../../cli/hub.ts";
import { createIo } from "../../cli/io.ts";
import { prepareSending } from "../../cli/sending.ts";
import { listOutbox } from "../../sender/send-outbox.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { fillOutbox } from "../../spool/fill-outbox.ts";
import type { ShareRule } from "../rules.ts";
import { levelOf } from "../share-level.ts";

const hub = setupHub();
const CANARY = "zebrafinch";
let database: ReturnType<typeof openDatabase>;

beforeAll(() => {
  database = openDatabase(hub.server.url, { deadlineMs: 10_000, max: 3, plansByIndex: true });
});
afterAll(() => database.close());

async function connectedMachine(): Promise<Machine> {
  const machine = await hub.machine();
  await machine.wharf(["connect", hub.url, await hub.code(), "--name", "desk"]);
  return machine;
}

/** A session with a call, a subagent and a result in a file, with the canary in each. */
async function writeSession({ home }: Machine, id: string, cwd: string): Promise<void> {
  await mkdir(cwd, { recursive: true });
  const folder = join(home, ".claude/projects/-x", id);
  await mkdir(join(folder, "subagents"), { recursive: true });
  await mkdir(join(folder, "tool-results"), { recursive: true });
  const call = { id: `${id}-1`, name: "Bash", input: { command: `echo ${CANARY}`, [CANARY]: CANARY } };
  const commit = { id: `${id}-3`, name: "Bash", input: { command: `git commit -m ${CANARY}` } };
  const edit = { id: `${id}-2`, name: "Edit", input: { file_path: `/${CANARY}`, new_string: CANARY } };
  const main = [
    promptLine(id, `Find the ${CANARY}`),
    assistantLine(id, { id: `${id}-a`, output: 7, call, minute: 1 }),
    resultLine(id, { id: call.id, content: `Exit code 3\n${CANARY}`, is_error: true, minute: 2 }),
    assistantLine(id, { id: `${id}-e`, output: 0, call: commit, minute: 2 }),
    resultLine(id, { id: commit.id, content: `[${CANARY} 1a2b3c4] ${CANARY}`, is_error: false, minute: 2 }),
    assistantLine(id, { id: `${id}-b`, output: 9, call: edit, minute: 3 }),
    assistantLine(id, { id: `${id}-c`, output: 11, text: `The ${CANARY} is found`, minute: 4 }),
    `{"broken": "${CANARY}\n`,
  ].join("");
  await writeFile(`${folder}.jsonl`, main.replaceAll("/home/ada/site", cwd));
  const subagent = assistantLine(id, { id: `${id}-d`, output: 13, text: CANARY, agentId: "a1" });
  await writeFile(join(folder, "subagents/agent-a1.jsonl"), subagent);
  await writeFile(join(folder, "subagents/agent-a1.meta.json"), subagentMeta.replace("Look around", CANARY));
  await writeFile(join(folder, "tool-results/t1.txt"), `${CANARY} and more`);
}

async function parse(id: string): Promise<void> {
  await parseSession({ database, blobs: createPostgresBlobStore(database) }, id);
}

/** What counts of a session, without its id. */
async function countsOf(id: string) {
  const { sql } = hub.server;
  const [session] = await sql`
    SELECT tokens_in, tokens_out, cost_estimate_usd, user_messages FROM sessions WHERE id = ${id}`;
  const calls = await sql`
    SELECT replace(call_id, ${id}, '') AS call, tool, is_error, exit_code, command IS NULL AS is_no_command, commits
    FROM tool_calls WHERE session_id = ${id} ORDER BY call_id`;
  return { ...session, calls: [...calls] };
}

async function rawOf(id: string): Promise<string> {
  const { body } = await hub.server.request("GET", `/api/sessions/${id}/transcript/files`);
  const raws = body.files.map(async ({ file }: { file: string }) => {
    const path = `/api/sessions/${id}/transcript/raw?file=${encodeURIComponent(file)}`;
    return JSON.stringify((await hub.server.request("GET", path)).body);
  });
  return (await Promise.all(raws)).join("\n");
}

/** Tables of the hub with the canary in any column. */
async function tablesWithCanary(): Promise<string[]> {
  const { sql } = hub.server;
  const tables = await sql<{ name: string }[]>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`;
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql`SELECT 1 FROM ${sql(name)} AS t WHERE t::text ILIKE ${`%${CANARY}%`} LIMIT 1`;
      return rows.length > 0 ? [name] : [];
    }),
  );
  return found.flat();
}

test("of a session with emptied texts the hub has all counts and no text", async () => {
  const machine = await connectedMachine();
  const half = join(machine.home, "half");
  await writeSession(machine, "half", half);
  const { json } = await machine.wharf(["share", "set", "facts", "--path", half, "--json"]);
  expect(json.rules).toEqual([{ level: "facts", repository: null, path: half, agent: null }]);
  expect((await machine.wharf(["backfill", "--json"])).json.result).toMatchObject({ sent: 4, not_shared: 0 });
  await parse("half");
  expect(await tablesWithCanary()).toEqual([]);
  expect(await rawOf("half")).not.toContain(CANARY);

  await writeSession(machine, "full", join(machine.home, "full"));
  await machine.wharf(["backfill"]);
  await parse("full");
  expect(await tablesWithCanary()).toContain("content_blocks");
  expect(await rawOf("full")).toContain(CANARY);
  const counts = await countsOf("full");
  expect(counts).toMatchObject({ tokens_out: "40", user_messages: 1 });
  expect(counts.calls.map(({ commits }) => commits)).toEqual([[], [], ["1a2b3c4"]]);
  expect(await countsOf("half")).toEqual(counts);
});

test("of a repository with the level `nothing` no event and no transcript is sent, until the rule changes", async () => {
  const machine = await connectedMachine();
  const { home, run, wharf } = machine;
  const cwd = join(home, "secret");
  await run(["git", "init", "-q", cwd]);
  await run(["git", "-C", cwd, "remote", "add", "origin", "git@github.com:acme/secret.git"]);
  await writeSession(machine, "s", cwd);
  const spool = join(home, ".local/share/wharf/spool");
  await mkdir(spool, { recursive: true });
  let hooks = 0;
  const prompt = async (directory: string) => {
    hooks += 1;
    const transcript_path = join(home, ".claude/projects/-x/s.jsonl");
    const input = { session_id: "s", hook_event_name: "UserPromptSubmit", transcript_path, prompt: CANARY };
    const bytes = `wharf=1\0pwd=/\0\0${JSON.stringify({ ...input, cwd: directory })}`;
    await writeFile(join(spool, `claude-code.${hooks}`), bytes);
    return (await wharf(["queue", "drain", "--json"])).json.accepted;
  };
  const texts = async () =>
    (await hub.server.sql`SELECT data ->> 'text' AS text FROM events ORDER BY id`).map(({ text }) => text);
  const repository = ["--repository", "https://github.com/acme/secret"];

  expect((await wharf(["share", "set", "nothing", ...repository])).stdout).toContain(
    "github.com/acme/secret",
  );
  expect(await prompt(cwd)).toBe(0);
  // The session began there.
  expect(await prompt(home)).toBe(0);
  const { json: plan } = await wharf(["backfill", "--json"]);
  expect(plan).toMatchObject({ files: 4, not_shared_files: 4, bytes: 0, result: { sent: 0 } });
  expect(await tablesWithCanary()).toEqual([]);
  expect((await hub.server.request("GET", "/api/sessions/s")).status).toBe(404);

  await wharf(["share", "set", "facts", ...repository]);
  expect(await prompt(cwd)).toBe(1);
  expect(await texts()).toEqual(["x".repeat(CANARY.length)]);
  await wharf(["share", "remove", ...repository]);
  expect(await prompt(cwd)).toBe(1);
  expect((await texts()).at(-1)).toBe(CANARY);
  expect((await wharf(["backfill", "--json"])).json.result).toMatchObject({ sent: 4 });
  expect(await rawOf("s")).toContain(CANARY);
});

test("a rule applies to events that wait already", async () => {
  const machine = await connectedMachine();
  const { home, wharf } = machine;
  const paths = dataPaths(join(home, ".local/share/wharf"));
  await mkdir(paths.spool, { recursive: true });
  const places = ["open", "half", "secret"];
  for (const [index, place] of places.entries()) {
    const cwd = join(home, place);
    await mkdir(cwd);
    const input = { session_id: place, hook_event_name: "UserPromptSubmit", cwd, prompt: CANARY };
    await writeFile(join(paths.spool, `claude-code.${index}`), `wharf=1\0pwd=/\0\0${JSON.stringify(input)}`);
  }
  const io = createIo({ HOME: home, PATH: process.env["PATH"] });
  const { sender } = prepareSending(io, await requireProfile(io, {}));
  expect(await fillOutbox(sender)).toBe(3);
  await wharf(["share", "set", "facts", "--path", join(home, "half")]);
  await wharf(["share", "set", "nothing", "--path", join(home, "secret")]);
  const preview = (await wharf(["send", "--dry-run"])).stdout;
  expect(preview.match(new RegExp(CANARY, "g"))).toHaveLength(1);
  expect(preview).not.toContain("secret");
  expect((await wharf(["queue", "drain", "--json"])).json).toMatchObject({ accepted: 2, rejected: 0 });
  const rows = await hub.server.sql`SELECT session_id, data FROM events ORDER BY session_id`;
  expect([...rows]).toEqual([
    { session_id: "half", data: { text: "x".repeat(CANARY.length) } },
    { session_id: "open", data: { text: CANARY } },
  ]);
  expect(await listOutbox(paths.outbox)).toEqual([]);
});

test("rules are checked when they are set, and a damaged file stops sending", async () => {
  const machine = await connectedMachine();
  const { wharf, home } = machine;
  expect((await wharf(["share"])).stderr).toContain("everything is sent");
  for (const words of [["some"], ["facts", "--agent", "ada"], ["facts", "--repository", "no remote"]])
    expect((await wharf(["share", "set", ...words])).code).toBe(2);
  expect((await wharf(["share", "remove", "--agent", "codex"])).code).toBe(1);
  expect((await wharf(["share", "set", "full", "--agent", "opencode"])).code).toBe(0);
  await writeSession(machine, "s", join(home, "open"));
  const file = join(home, ".config/wharf/share.json");
  await writeFile(file, '{"rules":[{"level":"som');
  const { code, stderr } = await wharf(["backfill"]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("nothing is sent")]);
  await rm(file);
  await wharf(["share", "set", "nothing"]);
  expect(JSON.parse(await readFile(file, "utf8")).rules).toHaveLength(1);
  expect((await wharf(["backfill", "--json"])).json.result).toMatchObject({ sent: 0 });
});

test("the rule with the most conditions applies, and a place that is not known makes it stricter only", () => {
  const rule = (level: ShareRule["level"], conditions: Partial<ShareRule> = {}): ShareRule => {
    return { level, repository: null, path: null, agent: null, ...conditions };
  };
  const rules = [
    rule("nothing"),
    rule("full", { path: "/work" }),
    rule("facts", { path: "/work/site" }),
    rule("full", { path: "/work/site", agent: "codex" }),
    rule("nothing", { repository: "github.com/acme/secret" }),
  ];
  const level = (agent: string | null, path: string | null, repository: string | null = "_unassociated") =>
    levelOf(rules, { agent, paths: path === null ? null : [path], repository });
  expect(level("codex", "/other")).toBe("nothing");
  expect(level("codex", "/work/site2")).toBe("full");
  expect(level("claude-code", "/work/site/src")).toBe("facts");
  expect(level(null, "/work/site")).toBe("facts");
  expect(level("codex", "/work/site")).toBe("full");
  expect(level("codex", "/work/site", null)).toBe("nothing");
  expect(level("codex", null)).toBe("nothing");
});
