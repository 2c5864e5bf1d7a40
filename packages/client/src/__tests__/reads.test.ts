import { beforeEach, describe, expect, test } from "bun:test";
import { mkdir, realpath, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HIDDEN_CHARACTERS } from "@wharf/protocol/hidden-characters";
import { until } from "@wharf/testkit";
import { seedExamples } from "../../../server/src/openapi/__tests__/seed-examples.ts";
import { createIo } from "../cli/io.ts";
import { takeRefresh } from "../cli/last-status.ts";
import { run } from "../cli/run.ts";
import { type Machine, RUNTIMES, setupHub } from "./hub.ts";

const hub = setupHub();
const SESSION = "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41";
const NODE = RUNTIMES[1]?.[1];
let bun: Machine;
let node: Machine;

beforeEach(async () => {
  await seedExamples(hub.server);
  [bun, node] = [await hub.machine(), await hub.machine(NODE)];
  const enrolment = await hub.code();
  await bun.wharf(["connect", hub.url, enrolment, "--name", "desk"]);
  // The same profile: one enrolment serves both.
  await node.run(["cp", "-r", `${bun.home}/.config`, node.home]);
});

/** Each command with what its JSON holds and what its plain lines hold. */
const COMMANDS: readonly (readonly [words: string[], json: object, plain: RegExp])[] = [
  [
    ["sessions"],
    { sessions: [{}, { id: SESSION }], has_more: false, next_cursor: null },
    /^3f6b1f0e-\S+\t2025-/m,
  ],
  [
    ["sessions", "--device", "Unknown-Device", "--workspace", "site", "--limit", "1"],
    { has_more: true },
    /unknown-device/,
  ],
  [["session", SESSION], { session: { id: SESSION, own: {} } }, /^workspace\tgithub.com\/acme\/site$/m],
  [["session", SESSION, "--events"], { events: expect.any(Array) }, /\tsession\.start\t/],
  [["session", SESSION, "--git"], { git_activity: [{ session_match: "exact" }] }, /\tcommit\texact\t/],
  [
    ["search", "greet", "visitor"],
    {
      results: expect.arrayContaining([
        expect.objectContaining({ session: expect.objectContaining({ id: SESSION }) }),
      ]),
    },
    /\tsite on unknown-device\t/,
  ],
  [
    ["usage", "monthly", "--since", "2025-01-01"],
    { rows: [{ key: "2025-03", cost_is_partial: true }] },
    /^2025-03\t2\t900\t/m,
  ],
  [
    ["usage", "--by", "model", "--since", "2025-01-01"],
    { unpriced: [{ model: "house-model" }] },
    /^house-model\t2\t/m,
  ],
  [["timeline", "--limit", "5"], { items: expect.any(Array), has_more: false }, /^session\t.*\tsite\t/m],
  [["workspaces"], { workspaces: expect.any(Array) }, /^github\.com\/acme\/site\t2\t/m],
  [
    ["status"],
    { hub: { is_reachable: true }, device: { name: "desk" }, spool: { files: 0 } },
    /^hub\t.*\(reachable\)$/m,
  ],
  [
    ["doctor"],
    { checks: expect.arrayContaining([expect.objectContaining({ name: "clock", status: "ok" })]) },
    /^ok\tread key\taccepted$/m,
  ],
  [
    ["why", "aaaaaaaa"],
    { sha: "aaaaaaaa", commits: [{}, { sessions: [{ grade: "exact" }] }] },
    /\texact\t3f6b1f0e-/,
  ],
  // A call printed [main c0ffee1], and no git hook reported it.
  [
    ["why", "c0ffee1".padEnd(40, "0")],
    { commits: [{ is_only_printed: true, sessions: [{ grade: "exact" }] }] },
    /^c0ffee1\texact\tb7e23ec2-.*\tcall toolu_02 printed c0ffee1; no git hook /m,
  ],
  [
    ["session", "b7e23ec2-9af2", "--git"],
    { git_activity: [{ commit_sha: "c0ffee1", branch: "main", message: "Greet" }] },
    /\tcommit\texact, no git hook reported it\tmain\tc0ffee1\tGreet$/m,
  ],
  [["resume", SESSION], { agent: "claude-code", is_here: false }, /^claude --resume 3f6b1f0e-\S+$/m],
  [["jobs", "list", "--all"], { jobs: expect.any(Array) }, /^\d+\t\w+\t/m],
  [["jobs", "queues"], { queues: expect.any(Array) }, /^recurring(\t\d+){5}\t\S+( \S+)?\t–$/m],
  [
    ["prices", "--model", "opus-5"],
    { prices: expect.arrayContaining([expect.objectContaining({ from: "2026-07-24", output: 25 })]) },
    /^claude-opus-5\t5\t25\t–\t–\t–\tfrom 2026-07-24\tthe provider's page$/m,
  ],
  [["jobs", "dlq"], { jobs: expect.any(Array), has_more: false }, /^\d+\tdead\t/m],
  [["devices"], { devices: expect.any(Array) }, /^desk \(this\)\tonline\t/m],
];

test("commands print the hub's JSON under Node, and lines for a pipe under Bun", async () => {
  for (const [words, json, plain] of COMMANDS) {
    const [asJson, asText] = await Promise.all([node.wharf([...words, "--json"]), bun.wharf(words)]);
    expect([words, asJson.code, asJson.stderr, asText.code]).toEqual([words, 0, "", 0]);
    expect(asJson.json).toMatchObject(json);
    expect(asText.stdout).toMatch(plain);
    expect(asText.stdout).not.toContain("\u001b");
  }
});

test("a transcript is JSON by line or text, and a session is exported", async () => {
  const lines = (await node.wharf(["session", SESSION, "--transcript", "--json"])).stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).message_type)).toEqual(["user", "assistant"]);
  const text = (await bun.wharf(["session", SESSION, "--transcript"])).stdout;
  expect(text).toContain("Greet the visitor");
  expect(text).toContain("  > Bash bun test");
  expect((await node.wharf(["session", SESSION, "--export", "md"])).stdout).toContain("Greet the visitor");
  expect((await node.wharf(["session", SESSION, "--export", "json"])).json).toMatchObject({
    session: { id: SESSION },
  });
});

test("a session of another machine is resumed where this machine has its git remote", async () => {
  const resume = async (cwd: string) =>
    (
      await node.run([
        "sh",
        "-c",
        'cd "$1" && shift && exec "$@"',
        "sh",
        cwd,
        ...node.command,
        "resume",
        SESSION,
        "--json",
      ])
    ).json;
  const clone = join(node.home, "my site");
  await node.run(["git", "init", "-q", clone]);
  await mkdir(join(clone, "pages"));
  const transcript = { type: "user", uuid: "u1", sessionId: "other", cwd: join(clone, "pages") };
  const path = join(node.home, ".claude/projects/-my-site/other.jsonl");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(transcript)}\n`);
  // A directory of another remote is not taken.
  expect(await resume(clone)).toMatchObject({ directory: null });
  await node.run(["git", "-C", clone, "remote", "add", "origin", "git@github.com:acme/site.git"]);
  for (const cwd of [join(clone, "pages"), node.home])
    expect(await resume(cwd)).toMatchObject({
      directory: await realpath(clone),
      command: `cd '${await realpath(clone)}' && claude --resume ${SESSION}`,
      is_here: false,
    });
});

test("an empty list is named as empty, and is JSON with --json", async () => {
  for (const [words, message, json] of [
    [["jobs", "list", "--queue", "nothing"], "No job was found.\n", { jobs: [] }],
    [["queue", "rejected"], "Nothing was rejected.\n", { rejected: [] }],
  ] as const) {
    expect(await bun.wharf(words)).toMatchObject({ code: 0, stdout: "", stderr: message });
    expect((await bun.wharf([...words, "--json"])).json).toMatchObject(json);
  }
});

test("sessions that match a filter are exported, and deleted by a job once that is confirmed", async () => {
  const exported = await bun.wharf(["sessions", "--search", SESSION, "--export", "json"]);
  expect(exported.json.session.id).toBe(SESSION);
  await bun.wharf(["connect", hub.url, "--key", "-"], { stdin: hub.server.key });
  const words = ["sessions", "--before", "2025-03-15", "--search", SESSION, "--delete"];
  const asked = await bun.wharf(words);
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining("--yes is missing")]);
  expect((await bun.wharf(["sessions", "--delete", "--yes"])).stderr).toContain("needs a filter");
  expect((await bun.wharf(["session", SESSION])).code).toBe(0);
  const { json } = await bun.wharf([...words, "--yes", "--json"]);
  expect(json).toEqual({ job_id: expect.any(String), sessions: 1, open_sessions: 0 });
  await hub.server.current().jobs.runOne(json.job_id);
  expect((await bun.wharf(["session", SESSION])).stderr).toContain("Session not found");
  expect((await bun.wharf([...words, "--yes"])).stderr).toBe("No session matches.\n");
});

test("an admin changes what a workspace keeps and replaces, and deletes it when it is empty", async () => {
  await bun.wharf(["connect", hub.url, "--key", "-"], { stdin: hub.server.key });
  const retention = (...words: string[]) => bun.wharf(["workspaces", "retention", "site", ...words]);
  expect((await retention()).stdout).toBe("raw\t90 days\nparsed\tforever\nevents\tforever\n");
  await hub.server.sql`UPDATE events SET ingested_at = timestamp`;
  const preview = await retention("--raw", "forever", "--events", "20", "--dry-run");
  expect(preview.stdout).toMatch(/^raw\tforever\n[\s\S]*\ndeletes\t\d+ events\n$/);
  const asked = await retention("--events", "20");
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining("--yes is missing")]);
  expect((await retention("--json")).json.retention).toMatchObject({ raw_days: 90, events_days: null });
  await retention("--events", "20", "--yes");
  expect((await retention("--json")).json.retention).toMatchObject({ raw_days: 90, events_days: 20 });
  expect((await retention("--raw", "soon")).stderr).toContain("number of at least 1");
  expect((await bun.wharf(["workspaces", "redaction", "site", "off"])).stdout).toBe(
    "Redaction of site is off.\n",
  );
  expect((await bun.wharf(["workspaces", "redaction", "site", "none"])).code).toBe(2);
  expect((await bun.wharf(["workspaces", "delete", "site"])).stderr).toContain("Delete them first");
  expect((await bun.wharf(["workspaces", "delete", "github.com/acme/shop"])).stdout).toStartWith("Deleted");
  expect((await bun.wharf(["workspaces"])).stdout).not.toContain("shop");
});

test("an admin retries and cancels a job, or all that match once that is confirmed", async () => {
  await bun.wharf(["connect", hub.url, "--key", "-"], { stdin: hub.server.key });
  const jobs = (...words: string[]) => bun.wharf(["jobs", ...words]);
  const asked = await jobs("cancel", "--type", "prune");
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining("--yes is missing")]);
  // The dead one has ended.
  expect((await jobs("cancel", "--type", "prune", "--yes", "--json")).json).toEqual({ cancelled: 1 });
  expect(await jobs("cancel", "--type", "prune", "--yes")).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "No job matches.\n",
  });
  // A cancelled job is retried only when it is named, or its state.
  expect((await jobs("retry", "--type", "prune", "--yes")).stdout).toBe("1 job retried.\n");
  const all = await jobs("retry", "--queue", "recurring", "--status", "failed", "--yes", "--json");
  expect(all.json).toEqual({ retried: 1 });
  expect((await jobs("cancel", "7000000001", "--reason", "moved")).stdout).toBe(
    "Job 7000000001 is cancelled.\n",
  );
  expect((await jobs("inspect", "7000000001", "--json")).json.job.last_error).toContain("moved");
  expect((await jobs("cancel", "7000000001")).stderr).toContain("Only a queued or running job");
  expect((await jobs("retry", "7000000001")).stdout).toBe("Job 7000000001 is ready.\n");
});

test("an admin pauses and resumes a queue", async () => {
  await bun.wharf(["connect", hub.url, "--key", "-"], { stdin: hub.server.key });
  const paused = await bun.wharf(["jobs", "pause", "recurring", "--reason", "the disk is full"]);
  expect(paused.stdout).toStartWith("Queue recurring is paused.");
  const line = async () => /^recurring\t.*$/m.exec((await bun.wharf(["jobs", "queues"])).stdout)?.[0];
  expect(await line()).toMatch(/\t\d{4}-\S+Z the disk is full$/);
  expect((await bun.wharf(["jobs", "resume", "recurring", "--json"])).json.queue.paused_at).toBeNull();
  expect(await line()).toEndWith("\t–");
  const mistyped = await bun.wharf(["jobs", "pause", "recuring"]);
  expect([paused.stderr, mistyped.stderr]).toEqual(["", expect.stringContaining("No job has used queue")]);
});

test("an admin sets the price of a model", async () => {
  await bun.wharf(["connect", hub.url, "--key", "-"], { stdin: hub.server.key });
  const set = (...words: string[]) =>
    bun.wharf(["prices", "set", "new-model", "--provider", "acme", "--input", "1.5", ...words]);
  expect((await set("--from", "2026-01-01")).stdout).toStartWith("Saved the price of new-model.");
  // It replaces the row of that day.
  const { json } = await set("--from", "2026-01-01", "--output", "0", "--cache-write-5m", "2", "--json");
  expect(json.price).toMatchObject({ input: 1.5, output: 0, cache_write_5m: 2, cache_read: null });
  expect((await bun.wharf(["prices", "--model", "new-model"])).stdout).toBe(
    "new-model\t1.5\t0\t–\t2\t–\tfrom 2026-01-01\tadministrator\n",
  );
  expect((await set("--from", "soon")).stderr).toContain("must be a day");
});

describe("what cannot work", () => {
  test("has an exit code and a message with what to do", async () => {
    const cases: [words: string[], code: number, message: RegExp][] = [
      [["session", "no-such-session"], 1, /Session not found/],
      [["session", "3f6b1"], 1, /first 6 characters or more/],
      [["sessions", "--device", "toaster"], 1, /There are: .*desk/],
      [["sessions", "--since", "yesterday"], 2, /Use 12h, 7d/],
      [["sessions", "--agent", "foo"], 2, /No agent "foo"\. There are: claude-code/],
      [["usage", "--agent", "foo"], 2, /No agent "foo"/],
      [["search", "has:nonsense"], 1, /^error: has:nonsense is unknown\. Write has:error\n$/],
      [["sessions", "--limit", "none"], 2, /number of at least 1/],
      [["sessions", "--profile", "other"], 2, /No profile "other"/],
      [["session", SESSION, "--export", "pdf"], 2, /json, md or tar/],
      [["sessions", "--export", "pdf"], 2, /json, md or tar/],
      [["sessions", "--export", "md", "--limit", "3"], 2, /--limit cannot be combined with --export/],
      [["sessions", "--tag", "x", "--delete"], 4, /--key -/],
      [["usage", "yearly"], 2, /daily, weekly, monthly, session/],
      [["usage", "--workspace", "nope"], 1, /^error: No workspace "nope"\. See: wharf workspaces\n$/],
      [["sessions", "--workspace", "nope"], 1, /No workspace "nope"/],
      [["timeline", "--workspace", "nope"], 1, /No workspace "nope"/],
      [["why", "bbbbbbbb"], 1, /no commit bbbbbbbb/],
      [["hooks", "foo"], 2, /There are: install, uninstall, rewrite, status/],
      [["devices", "foo"], 2, /unknown command/],
      [["emit", "Deploy"], 2, /such as deploy\.done/],
      [["usage", "weekly", "--by", "model"], 2, /cannot be combined/],
      [["devices", "rename", "desk", "bench"], 4, /--key -/],
      [["jobs", "cancel"], 2, /Name one job/],
      [["jobs", "retry", "7", "--type", "prune"], 2, /Name one job/],
      [["jobs", "cancel", "--queue", "recurring", "--type", "", "--yes"], 2, /Name one job/],
      [["jobs", "cancel", "--type", "prune", "--yes"], 4, /--key -/],
      [["jobs", "pause", "recurring"], 4, /--key -/],
      [["prices", "set", "m", "--provider", "acme", "--input", ""], 2, /no amount/],
      [["prices", "set", "m", "--provider", "acme"], 4, /--key -/],
      [["sesions"], 2, /unknown command 'sesions'[\s\S]*wharf --help/],
    ];
    for (const [words, code, message] of cases) {
      const ran = await bun.wharf(words);
      expect([words, ran.code, ran.stdout]).toEqual([words, code, ""]);
      expect(ran.stderr).toMatch(message);
    }
    const misused = await bun.wharf(["sessions", "--colour", "--json"]);
    expect([misused.code, misused.json.error]).toEqual([
      2,
      { code: "WRONG_USE", message: "unknown option '--colour'" },
    ]);
    const stranger = await hub.machine();
    const { code, json } = await stranger.wharf(["sessions", "--json"]);
    expect([code, json.error.code]).toEqual([1, "NOT_CONNECTED"]);
  });

  test("a revoked key is named as not allowed", async () => {
    await hub.server.request(
      "DELETE",
      `/api/devices/${(await node.wharf(["devices", "--json"])).json.devices.find(({ name }: { name: string }) => name === "desk").id}`,
    );
    const { code, stderr } = await bun.wharf(["sessions"]);
    expect([code, stderr.includes("key")]).toEqual([4, true]);
  });
});

test("now lists what is open, first what needs a person", async () => {
  await hub.server
    .sql`UPDATE sessions SET live_state = 'needs_input', live_reason = 'permission', live_since = now() WHERE id = ${SESSION}`;
  const { sessions } = (await node.wharf(["now", "--json"])).json;
  expect(sessions[0]).toMatchObject({ id: SESSION, live_state: "needs_input" });
  expect((await bun.wharf(["now"])).stdout).toStartWith("needs you\t");
});

test("status keeps its numbers: for the status line, and while the hub is unreachable", async () => {
  expect((await bun.wharf(["status", "--statusline"])).stdout).toBe("");
  // It has asked the hub in the background; the next ones within a minute do not.
  const lastStatus = Bun.file(`${bun.home}/.local/share/wharf/status.json`);
  await until(() => lastStatus.exists());
  const { paths } = createIo({ HOME: bun.home });
  expect(await takeRefresh(paths, new Date())).toBe(false);
  expect(await takeRefresh(paths, new Date(Date.now() + 120_000))).toBe(true);
  const { today } = (await bun.wharf(["status", "--json"])).json;
  expect((await bun.wharf(["status", "--statusline"])).stdout).toMatch(/^\d+ sessions? today · /);
  const [file] = [
    ...new Bun.Glob("**/profiles/*.json").scanSync({ cwd: bun.home, dot: true, absolute: true }),
  ];
  const profile = await Bun.file(file ?? "").json();
  const closed = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  await closed.stop(true);
  await Bun.write(file ?? "", JSON.stringify({ ...profile, url: `http://127.0.0.1:${closed.port}` }));
  const { code, json } = await bun.wharf(["status", "--json"]);
  expect([code, json.hub.is_reachable, json.today]).toEqual([3, false, today]);
  const unsent = await bun.wharf(["emit", "deploy.done"]);
  expect([unsent.code, unsent.stderr.includes("was not kept")]).toEqual([3, true]);
  await lastStatus.delete();
  const unknown = await bun.wharf(["status"]);
  expect([unknown.code, unknown.stderr]).toEqual([
    3,
    expect.stringMatching(/^http:\S+ is not reachable: \S+\. No result is cached\.\n$/),
  ]);
  expect(unknown.stdout).not.toMatch(/1970|^today/m);
  const checked = await bun.wharf(["doctor", "--json"]);
  expect([
    checked.code,
    checked.json.checks.find(({ name }: { name: string }) => name === "hub").status,
  ]).toEqual([3, "fail"]);
});

test("an event is emitted once, and a rejected one names the field", async () => {
  const sent = await node.wharf([
    "emit",
    "deploy.done",
    "--data",
    '{"to":"production"}',
    "--session",
    SESSION.slice(0, 8),
    "--json",
  ]);
  expect(sent.json).toMatchObject({
    status: "accepted",
    event: { type: "deploy.done", workspace_id: "_unassociated", session_id: SESSION },
  });
  const unknown = await bun.wharf(["emit", "deploy.done", "--session", "no-such-session"]);
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("Session not found")]);
  const { events } = (await bun.wharf(["session", SESSION, "--events", "--json"])).json;
  expect(events.at(-1)).toMatchObject({ id: sent.json.event.id, data: { to: "production" } });
  const rejected = await bun.wharf(["emit", "git.commit", "--data", "-"], { stdin: '{"hash":1}' });
  expect([rejected.code, rejected.stderr.includes("/data/hash")]).toEqual([1, true]);
  expect((await bun.wharf(["emit", "deploy.done", "--data", "[1]"])).code).toBe(2);
});

test("a line of a file leads to the session that made its commit", async () => {
  const git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
  await bun.run([...git, "init", "-q"]);
  await Bun.write(`${bun.home}/greeting.ts`, "export {};\n");
  await bun.run([...git, "add", "greeting.ts"]);
  await bun.run([...git, "commit", "-qm", "Greet"]);
  const head = (await bun.run(["git", "rev-parse", "HEAD"])).stdout.trim();
  expect((await bun.wharf(["why", "greeting.ts:1", "--json"])).json).toEqual({ sha: head, commits: [] });
  expect((await bun.wharf(["why", "HEAD", "--json"])).json.sha).toBe(head);
  await Bun.write(`${bun.home}/greeting.ts`, "export const one = 1;\n");
  expect((await bun.wharf(["why", "greeting.ts:1"])).stderr).toContain("not committed yet");
  expect((await bun.wharf(["why", "greeting.ts:9"])).code).toBe(1);
  expect((await bun.wharf(["why", "nonsense"])).code).toBe(2);
});

test("a redaction is previewed without a hub", async () => {
  const token = ["ghp", "0123456789abcdefABCDEF0123456789abcd"].join("_");
  const stranger = await hub.machine(NODE);
  const { stdout, stderr } = await stranger.wharf(["redact", "--test", "-"], {
    stdin: `one\n{"token":"${token}"}\n`,
  });
  expect(stdout).toMatch(/^one\n\{"token":"\[REDACTED:[a-z-]+:[0-9a-f]{8}\]"\}\n$/);
  expect(stderr).toContain("Replaced 1");
  expect(
    (await stranger.wharf(["redact", "--test", "-", "--json"], { stdin: token })).json.changed,
  ).toMatchObject([{ line: 1 }]);
  expect((await stranger.wharf(["redact", "--test", "no-such-file"])).code).toBe(2);
});

test("completion scripts are accepted by their shells and know every command", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await bun.wharf(["completion", shell]);
    for (const word of ["connect", "rename", "statusline"]) expect(stdout).toContain(word);
  }
  const bash = (await bun.wharf(["completion", "bash"])).stdout;
  const listed = await bun.run([
    "bash",
    "-c",
    `${bash}\nCOMP_WORDS=(wharf devices re) COMP_CWORD=2; _wharf; echo "\${COMPREPLY[@]}"`,
  ]);
  expect(listed.stdout).toBe("rename remove\n");
});

test("an admin lists, creates, rotates and revokes keys", async () => {
  await bun.wharf(["connect", hub.url, "--key", "-"], { stdin: hub.server.key });
  const made = (await bun.wharf(["keys", "create", "read", "--name", "wall", "--json"])).json;
  expect(made.key).toStartWith("wharf_read_");
  expect((await bun.wharf(["keys", "list"])).stdout).toContain(`${made.id}\tread\t…${made.last4}`);
  expect((await bun.wharf(["keys", "rotate", made.id])).stdout).toStartWith("wharf_read_");
  expect((await bun.wharf(["keys", "revoke", made.id])).stdout).toBe(`Revoked ${made.id}.\n`);
  expect((await bun.wharf(["keys", "create", "owner"])).code).toBe(2);
});

test("output that nothing reads any more ends a command without an error", async () => {
  const lines = Array.from({ length: 50_000 }, (_, index) => `line ${index}`).join("\n");
  for (const machine of [bun, node]) {
    await Bun.write(`${machine.home}/long.txt`, lines);
    const command = `${machine.command.join(" ")} redact --test long.txt | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await machine.run(["bash", "-c", command]);
    expect([stdout, stderr.replace("No secret was found.\n", "")]).toEqual(["line 0\n0\n", ""]);
  }
});

test("the bundle is small and contains no zod", async () => {
  const text = await Bun.file(bun.command[1] ?? "").text();
  expect(text).not.toContain("ZodType");
  expect(text.length).toBeLessThan(500_000);
});

test("a device is online for five minutes after it was seen", async () => {
  const statusOf = async () => /^desk \(this\)\t(\w+)\t/m.exec((await bun.wharf(["devices"])).stdout)?.[1];
  const seen = (ago: string) =>
    hub.server.sql`UPDATE devices SET last_seen_at = now() - ${ago}::interval WHERE name = 'desk'`;
  await seen("4 minutes");
  expect(await statusOf()).toBe("online");
  await seen("5 minutes");
  expect(await statusOf()).toBe("offline");
});

test("an admin renames and removes devices", async () => {
  await bun.wharf(["connect", hub.url, "--key", "-"], { stdin: hub.server.key });
  expect((await bun.wharf(["devices", "rename", "desk", "bench", "--json"])).json).toMatchObject({
    device: { name: "bench" },
  });
  expect((await bun.wharf(["status"])).stdout).toContain("device\tbench\n");
  expect((await bun.wharf(["doctor"])).stdout).toContain("of bench, accepted");
  expect((await bun.wharf(["devices", "remove", "bench"])).stdout).toContain("Removed bench");
});

test("a terminal gets a table with titles and colours that fits its width, without control characters of the hub", async () => {
  await hub.server.request("PATCH", `/api/sessions/${SESSION}`, { summary: "\u001b]0;owned\u0007" });
  const written: string[] = [];
  const io = {
    ...createIo({ HOME: bun.home }),
    isTerminal: true,
    columns: 120,
    print: (text: string) => void written.push(text),
  };
  expect(await run(["workspaces"], io)).toBe(0);
  expect(written[0]).toStartWith("WORKSPACE");
  await hub.server.sql`UPDATE sessions SET title = ${"一 long title ".repeat(20)}, live_state = 'working'`;
  const narrow: string[] = [];
  const words = [["sessions"], ["now"], ["timeline"], ["search", "greet"], ["devices"], ["session", SESSION]];
  words.push(["jobs", "queues"], ["prices"]);
  for (const command of [...words, ["session", SESSION.slice(0, 6), "--transcript"], ["why", "aaaaaaaa"]])
    expect(await run(command, { ...io, columns: 80, print: (text) => void narrow.push(text) })).toBe(0);
  const lines = narrow.flatMap((text) => text.split("\n"));
  expect(lines.filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
  expect(lines).toContainEqual(expect.stringContaining(SESSION.slice(0, 8)));
  await mkdir(join(bun.home, ".claude/projects"), { recursive: true });
  const checked: string[] = [];
  await run(["doctor"], { ...io, columns: 80, print: (text) => void checked.push(text) });
  expect(checked.join("\n")).not.toContain("…");
  expect(checked.join("\n")).toMatch(/\n {17}\S/);
  expect(await run(["session", SESSION], io)).toBe(0);
  expect(written.join("\n")).toContain("]0;owned");
  expect(written.join("\n")).not.toContain("\u001b]");
  expect(written.join("\n")).not.toContain("\u0007");
  expect(Math.max(...written.slice(0, 3).map((line) => line.length))).toBeLessThanOrEqual(120);
});

test("names of the hub hide nothing in a pipe, and their JSON has the same values", async () => {
  const title = "user\u202egpj.exe \u009b2J\u200b\u{e0041}👩\u200d💻";
  await hub.server.sql`UPDATE sessions SET title = ${title}`;
  await hub.server.sql`UPDATE devices SET name = ${title} WHERE name = 'bench'`;
  const hidden = new RegExp(`[${HIDDEN_CHARACTERS}]`, "u");
  for (const words of [
    ["sessions"],
    ["session", SESSION],
    ["now"],
    ["timeline"],
    ["search", "greet"],
    ["devices"],
  ]) {
    const { stdout } = await bun.wharf(words);
    expect([words, hidden.exec(stdout)]).toEqual([words, null]);
  }
  const ran = await bun.wharf(["sessions", "--json"]);
  expect(hidden.exec(ran.stdout)).toBeNull();
  expect(ran.json.sessions[0].title).toBe(title);
  const detail = "a \u001b[8mhidden\u001b[0m\nerror: b";
  using lying = Bun.serve({ port: 0, fetch: () => Response.json({ code: "X", detail }, { status: 500 }) });
  const { stderr } = await bun.wharf(["connect", `http://127.0.0.1:${lying.port}`, "CODE"]);
  expect(stderr).toBe("error: a \ufffd[8mhidden\ufffd[0m error: b\n");
});
