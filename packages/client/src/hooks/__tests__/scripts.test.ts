import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { until } from "@wharf/testkit";
import { useMachine } from "../../__tests__/machine.ts";
import { convertHook } from "../../spool/convert-hook.ts";
import { listSpool } from "../../spool/list-spool.ts";
import { readHookFile } from "../../spool/read-hook-file.ts";
import { renderPlugin } from "../opencode-plugin.ts";

const machine = useMachine();
const SESSION = "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41";
const common = {
  session_id: SESSION,
  transcript_path: "/t/x.jsonl",
  cwd: "/nowhere",
  permission_mode: "default",
};

beforeEach(() => writeFile(machine.paths.pid, `${process.pid}\n`));

afterEach(async () => {
  for (const name of await machine.spooled()) await rm(join(machine.paths.spool, name));
  await rm(join(machine.home, "started"), { force: true });
  await rm(machine.paths.pid, { force: true });
});

async function onlySpooled() {
  const { waiting, unfinished } = await listSpool(machine.paths.spool);
  expect(unfinished).toEqual([]);
  expect(waiting).toHaveLength(1);
  const [{ name, time_ms } = { name: "", time_ms: 0 }] = waiting;
  return readHookFile(name, await readFile(join(machine.paths.spool, name)), time_ms);
}

/** Fires the hook with an input, and answers the event's type and data. */
async function eventOf(
  input: string | object,
  script: "claude-code.sh" | "claude-code-start.sh" | "codex.sh" | "gemini-cli.sh",
) {
  const json = typeof input === "string" ? input : JSON.stringify({ ...common, ...input });
  expect(await machine.runHook(script, json)).toEqual({ code: 0, output: "" });
  const hook = await onlySpooled();
  const { events } = await convertHook(hook, machine.dependencies());
  await rm(join(machine.paths.spool, hook.name));
  return events.map(({ type, data, session_id }) => ({ type, data, session_id }))[0];
}

describe("the hook script", () => {
  // First: others start senders that may note their start after the end of their test.
  test("starts a sender only when none runs, outside of the directory of the hook", async () => {
    await rm(machine.paths.pid);
    await machine.runHook("claude-code.sh", "{}");
    await until(async () => (await machine.starts()) === 1);
    expect(await readFile(join(machine.home, "started"), "utf8")).toBe("send --background in /\n");
    await writeFile(machine.paths.pid, `${process.pid}\n`);
    await machine.runHook("claude-code.sh", "{}");
    await machine.runHook("codex.sh", "{}");
    await writeFile(machine.paths.pid, "999999999\n");
    await machine.runHook("claude-code.sh", "{}");
    await until(async () => (await machine.starts()) >= 2);
    expect(await machine.starts()).toBe(2);
  });

  test("exits with 0 and prints nothing where files cannot be written", async () => {
    // A limit of file sizes has the effect of a full disk.
    const full = "trap '' XFSZ; ulimit -f 0";
    const away = `mv '${machine.paths.spool.replaceAll("'", "'\\''")}' "$HOME/elsewhere"`;
    const script = join(machine.paths.hooks, "claude-code.sh");
    for (const [setup, size] of [
      [full, 100_000],
      // As of hooks of git.
      [full, 0],
      [away, 100_000],
    ] as const) {
      const child = Bun.spawn(["sh", "-c", `${setup}; exec "$0"`, script], {
        env: { PATH: process.env["PATH"], HOME: machine.home },
        stdin: Buffer.alloc(size, "x"),
        stdout: "pipe",
        stderr: "pipe",
      });
      const output = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
      expect({ code: await child.exited, output }).toEqual({ code: 0, output: "" });
      if (setup !== full) await rename(join(machine.home, "elsewhere"), machine.paths.spool);
      expect(await machine.spooled()).toEqual([]);
    }
  });

  test("spools its input byte for byte, with its time and directory", async () => {
    const before = Date.now();
    const input = Buffer.from(`\uFEFF{"a":"\u2028 é 😀"}\n\n`);
    expect(await machine.runHook("claude-code.sh", input, { CLAUDE_CONFIG_DIR: "/a b=c" })).toEqual({
      code: 0,
      output: "",
    });
    const hook = await onlySpooled();
    expect(hook.input).toEqual(input);
    expect(hook.source).toBe("claude-code");
    expect(hook.fields.get("pwd")).toBe(machine.home);
    expect(hook.fields.get("config")).toBe("/a b=c");
    expect(hook.time_ms).toBeWithin(before - 1_000, Date.now() + 1_000);
  });

  test.each([
    ["1 MB", Buffer.alloc(1_048_576, "x")],
    ["bytes that are not UTF-8", Buffer.from([0, 255, 0, 128, 10])],
    ["no bytes", Buffer.alloc(0)],
  ])("keeps %s", async (_, input) => {
    expect(await machine.runHook("claude-code.sh", input)).toEqual({ code: 0, output: "" });
    expect((await onlySpooled()).input.equals(input)).toBe(true);
  });

  test("exits 0 with a closed standard input", async () => {
    const script = join(machine.paths.hooks, "claude-code.sh");
    const child = Bun.spawn(["sh", "-c", `'${script.replaceAll("'", `'\\''`)}' <&-`], {
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await child.exited).toBe(0);
    expect(await new Response(child.stdout).text()).toBe("");
  });

  test("exits 0 without output when the spool cannot be written", async () => {
    await chmod(machine.paths.spool, 0o500);
    expect(await machine.runHook("claude-code.sh", "{}")).toEqual({ code: 0, output: "" });
    // Root may write it.
    expect(await machine.spooled()).toHaveLength(process.getuid?.() === 0 ? 1 : 0);
    await rm(machine.paths.spool, { recursive: true });
    expect(await machine.runHook("claude-code.sh", "{}")).toEqual({ code: 0, output: "" });
    expect(await machine.runHook("claude-code-start.sh", "{}")).toEqual({ code: 0, output: "" });
    await mkdir(machine.paths.spool);
  });

  test("writes files that only their user reads, and keeps 40 concurrent hooks apart", async () => {
    await Promise.all(Array.from({ length: 40 }, (_, n) => machine.runHook("codex.sh", `{"n":${n}}`)));
    const { waiting } = await listSpool(machine.paths.spool);
    expect(waiting).toHaveLength(40);
    for (const { name } of waiting)
      expect((await stat(join(machine.paths.spool, name))).mode & 0o777).toBe(0o600);
  });

  test("names the session to the agent's shell at its start", async () => {
    const file = join(machine.home, "env.sh");
    await writeFile(file, "export OTHER=1\n");
    const input = JSON.stringify({
      note: 'a "session_id": "no"',
      ...common,
      hook_event_name: "SessionStart",
    });
    await machine.runHook("claude-code-start.sh", input, { CLAUDE_ENV_FILE: file });
    expect(await readFile(file, "utf8")).toBe(`export OTHER=1\nexport WHARF_SESSION_ID=${SESSION}\n`);
    await machine.runHook("claude-code-start.sh", '{"session_id":"$(touch x)"}', { CLAUDE_ENV_FILE: file });
    await machine.runHook("claude-code-start.sh", "not JSON", { CLAUDE_ENV_FILE: file });
    expect(await readFile(file, "utf8")).toBe(`export OTHER=1\nexport WHARF_SESSION_ID=${SESSION}\n`);
  });

  test("exits 0 when the agent's file for its shell cannot be written", async () => {
    const file = join(machine.home, "no", "env.sh");
    const input = JSON.stringify(common);
    expect(await machine.runHook("claude-code-start.sh", input, { CLAUDE_ENV_FILE: file })).toEqual({
      code: 0,
      output: "",
    });
    expect((await onlySpooled()).input.toString()).toBe(input);
  });

  test("is not run by another user", async () => {
    await chmod(machine.paths.hooks, 0o700);
    expect((await stat(join(machine.paths.hooks, "claude-code.sh"))).mode & 0o777).toBe(0o700);
  });
});

describe("the input of a hook becomes an event", () => {
  test.each([
    [
      { hook_event_name: "SessionEnd", reason: "prompt_input_exit" },
      "session.end",
      { end_reason: "prompt_input_exit", duration_ms: 0 },
    ],
    [{ hook_event_name: "UserPromptSubmit", prompt: "Greet them" }, "agent.prompt", { text: "Greet them" }],
    [{ hook_event_name: "Stop", stop_hook_active: false }, "agent.turn_end", { reason: "stop" }],
    [
      { hook_event_name: "Notification", message: "Claude needs your permission to use Bash" },
      "agent.waiting",
      { reason: "permission" },
    ],
    [
      { hook_event_name: "Notification", message: "?", notification_type: "idle_prompt" },
      "agent.waiting",
      { reason: "idle" },
    ],
    [
      { hook_event_name: "PermissionRequest", tool_name: "ExitPlanMode", tool_input: {} },
      "agent.waiting",
      { reason: "plan", tool: "ExitPlanMode" },
    ],
    [
      {
        hook_event_name: "PostToolUse",
        tool_name: "Edit",
        tool_use_id: "t1",
        tool_input: { file_path: "/a.ts", old_string: "", new_string: "x" },
        duration_ms: 5,
      },
      "agent.tool",
      { tool: "Edit", tool_use_id: "t1", paths: ["/a.ts"], duration_ms: 5 },
    ],
    [
      {
        hook_event_name: "PostToolUse",
        tool_name: "Bash",
        tool_use_id: "t2",
        tool_input: { command: "make" },
        tool_response: { exitCode: 2 },
      },
      "agent.tool",
      { tool: "Bash", command: "make", exit_code: 2 },
    ],
    [
      { hook_event_name: "SubagentStart", agent_id: "a1", agent_type: "Explore" },
      "subagent.start",
      { agent_id: "a1", agent_type: "Explore", session_id: SESSION },
    ],
    [
      {
        hook_event_name: "SubagentStop",
        agent_id: "a1",
        agent_type: "Explore",
        agent_transcript_path: "/t/a1.jsonl",
      },
      "subagent.stop",
      { agent_transcript_path: "/t/a1.jsonl" },
    ],
    [
      { hook_event_name: "PreCompact", trigger: "auto" },
      "session.compact",
      { cc_session_id: SESSION, compact_sequence: 0 },
    ],
    [{ hook_event_name: "CwdChanged", cwd: "/b" }, "agent.cwd", { cwd: "/b" }],
  ] as const)("%j", async (input, type, data) => {
    expect(await eventOf(input, "claude-code.sh")).toEqual({
      type,
      session_id: SESSION,
      data: expect.objectContaining(data),
    });
  });

  test("also after a byte order mark", async () => {
    const input = `\uFEFF${JSON.stringify({ ...common, hook_event_name: "SessionStart", source: "startup", model: "m" })}`;
    expect(await eventOf(input, "claude-code-start.sh")).toEqual({
      type: "session.start",
      session_id: SESSION,
      data: expect.objectContaining({
        agent: "claude-code",
        source: "startup",
        cwd: "/nowhere",
        model: "m",
        git_remote: null,
      }),
    });
  });

  test("of Codex, without a transcript", async () => {
    const input = { hook_event_name: "SessionStart", source: "startup", transcript_path: null, turn_id: "t" };
    expect((await eventOf(input, "codex.sh"))?.data).toEqual(
      expect.objectContaining({ agent: "codex", transcript_path: null }),
    );
  });

  test("of Codex, also of its subagents and the end of a session", async () => {
    const subagent = { agent_id: "child", agent_type: "explorer", turn_id: "t" };
    for (const [name, type] of [
      ["SessionEnd", "session.end"],
      ["Interrupt", "agent.turn_end"],
      ["SubagentStart", "subagent.start"],
      ["SubagentStop", "subagent.stop"],
    ])
      expect((await eventOf({ hook_event_name: name, ...subagent }, "codex.sh"))?.type).toBe(type);
  });

  test("of Gemini CLI, under the names that it uses", async () => {
    const fire = (input: object) => eventOf(input, "gemini-cli.sh");
    expect(await fire({ hook_event_name: "BeforeAgent", prompt: "Fix it" })).toMatchObject({
      type: "agent.prompt",
      data: { text: "Fix it" },
    });
    expect(
      await fire({
        hook_event_name: "AfterTool",
        tool_name: "run_shell_command",
        tool_input: { command: "make" },
        tool_response: { llmContent: "done" },
      }),
    ).toMatchObject({ type: "agent.tool", data: { tool: "run_shell_command", command: "make" } });
    expect(
      await fire({ hook_event_name: "Notification", notification_type: "ToolPermission" }),
    ).toMatchObject({ type: "agent.waiting", data: { reason: "permission" } });
    expect(await fire({ hook_event_name: "AfterAgent" })).toMatchObject({ type: "agent.turn_end" });
    expect(await fire({ hook_event_name: "PreCompress", trigger: "auto" })).toMatchObject({
      type: "session.compact",
      data: { trigger: "auto" },
    });
    expect(await fire({ hook_event_name: "SessionStart", source: "startup" })).toMatchObject({
      type: "session.start",
      data: { agent: "gemini-cli" },
    });
  });

  test("of a notification of Codex, unless it has run hooks since the last one", async () => {
    await rm(machine.paths.codexHooks, { force: true });
    const thread = "019a0000-0000-7000-8000-0000000000bb";
    const codex = join(machine.home, ".codex");
    const path = join(codex, `sessions/2026/09/10/rollout-2026-09-10T09-00-00-${thread}.jsonl`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "{}\n");
    const note = { type: "agent-turn-complete", "thread-id": thread, "turn-id": "1", cwd: "/nowhere" };
    const notify = (value: object) =>
      machine.runHook("codex-notify.sh", "", { CODEX_HOME: codex }, [JSON.stringify(value)]);
    expect(await notify({ ...note, "last-assistant-message": 'it\'s "done"\n' })).toEqual({
      code: 0,
      output: "",
    });
    const hook = await onlySpooled();
    const { events, transcript } = await convertHook(hook, machine.dependencies());
    expect(events).toMatchObject([{ type: "agent.turn_end", session_id: thread }]);
    expect(transcript).toEqual({ agent: "codex", session_id: thread, path, cwd: "/nowhere" });
    await rm(join(machine.paths.spool, hook.name));
    await eventOf({ hook_event_name: "SessionStart" }, "codex.sh");
    await notify(note);
    expect(await machine.spooled()).toEqual([]);
    // It no longer runs them.
    expect(await notify(note)).toEqual({ code: 0, output: "" });
    await rm(join(machine.paths.spool, (await onlySpooled()).name));
  });

  test("of opencode by its plugin, which fails silently", async () => {
    const file = join(machine.home, "wharf.mjs");
    await writeFile(file, renderPlugin(machine.paths.hooks));
    const { WharfPlugin } = await import(file);
    const hooks = await WharfPlugin({ directory: "/repo" });
    const passed = async (name: string, ...input: object[]) => {
      expect(await hooks[name](...input)).toBeUndefined();
      await until(async () => (await listSpool(machine.paths.spool)).waiting.length > 0);
      const hook = await onlySpooled();
      await rm(join(machine.paths.spool, hook.name));
      return (await convertHook(hook, machine.dependencies())).events[0];
    };
    const happens = (type: string, properties: object) => passed("event", { event: { type, properties } });
    const info = { id: "ses_1", directory: "/repo/site", title: "New", time: { created: 1, updated: 1 } };
    expect(await happens("session.created", { sessionID: "ses_1", info })).toMatchObject({
      ...{ type: "session.start", session_id: "ses_1" },
      data: { agent: "opencode", cwd: "/repo/site", source: "startup" },
    });
    const parts = [
      { type: "text", text: "Fix it" },
      { type: "file", url: "file:///a" },
      { type: "text", text: "read before", synthetic: true },
    ];
    const asked = { sessionID: "ses_1", messageID: "msg_1" };
    expect(await passed("chat.message", asked, { message: {}, parts })).toMatchObject({
      ...{ type: "agent.prompt", data: { text: "Fix it" } },
    });
    const long = [{ type: "text", text: "x".repeat(2_000_000) }];
    expect(await passed("chat.message", asked, { message: {}, parts: long })).toMatchObject({
      type: "agent.prompt",
    });
    const call = { tool: "bash", sessionID: "ses_1", callID: "call_1", args: { command: "make" } };
    expect(
      await passed("tool.execute.after", call, { title: "", output: "", metadata: { exit: 2 } }),
    ).toMatchObject({
      type: "agent.tool",
      data: { tool: "bash", tool_use_id: "call_1", command: "make", exit_code: 2 },
    });
    const edit = { tool: "edit", sessionID: "ses_1", callID: "call_2", args: { filePath: "/repo/a.ts" } };
    expect(await passed("tool.execute.after", edit, { title: "", output: "" })).toMatchObject({
      data: { tool: "edit", paths: ["/repo/a.ts"] },
    });
    const waiting = (reason: string) => ({ type: "agent.waiting", data: { reason } });
    expect(
      await happens("permission.asked", { id: "per_1", sessionID: "ses_1", permission: "bash" }),
    ).toMatchObject(waiting("permission"));
    expect(
      await happens("permission.updated", { id: "per_1", sessionID: "ses_1", type: "edit" }),
    ).toMatchObject(waiting("permission"));
    expect(await happens("question.asked", { id: "que_1", sessionID: "ses_1" })).toMatchObject(
      waiting("question"),
    );
    expect(await happens("session.compacted", { sessionID: "ses_1" })).toMatchObject({
      type: "session.compact",
    });
    expect(await happens("session.idle", { sessionID: "ses_1" })).toMatchObject({ type: "agent.turn_end" });
    const output = { env: {} };
    await hooks["shell.env"]({ cwd: "/repo", sessionID: "ses_1" }, output);
    expect(output.env).toEqual({ WHARF_SESSION_ID: "ses_1" });

    // A subagent's session starts; its prompt, other tools and events, and what is malformed pass nothing.
    const child = { ...info, id: "ses_2", parentID: "ses_1" };
    expect(await happens("session.created", { info: child })).toMatchObject({ session_id: "ses_2" });
    await hooks["chat.message"]({ sessionID: "ses_2" }, { message: {}, parts });
    await hooks["tool.execute.after"]({ ...call, tool: "read" }, {});
    await hooks["event"]({ event: { type: "session.updated", properties: { info } } });
    for (const name of Object.keys(hooks)) await hooks[name]();
    await rename(machine.paths.hooks, `${machine.paths.hooks}-away`);
    await hooks["event"]({ event: { type: "session.idle", properties: { sessionID: "ses_1" } } });
    await rename(`${machine.paths.hooks}-away`, machine.paths.hooks);
    expect(await happens("session.idle", { sessionID: "ses_1" })).toMatchObject({ type: "agent.turn_end" });
  });

  test("and names the transcript by its own session after /clear", async () => {
    const input = { ...common, hook_event_name: "Stop", transcript_path: "/p/other-session.jsonl" };
    await machine.runHook("claude-code.sh", JSON.stringify(input));
    const { transcript } = await convertHook(await onlySpooled(), machine.dependencies());
    expect(transcript).toEqual({
      agent: "claude-code",
      session_id: "other-session",
      path: "/p/other-session.jsonl",
      cwd: "/nowhere",
    });
  });

  test("without its secrets, and cut to 64 KB", async () => {
    const token = ["ghp", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].join("_");
    const prompt = `${token} ${"é".repeat(100_000)}`;
    const event = await eventOf({ hook_event_name: "UserPromptSubmit", prompt }, "claude-code.sh");
    const text = String(event?.data["text"]);
    expect(text).toStartWith("[REDACTED:");
    expect(text).not.toContain(token);
    expect(Buffer.byteLength(text)).toBeWithin(65_000, 65_600);
  });

  test("and none for hooks that show nothing", async () => {
    expect(await eventOf({ hook_event_name: "InstructionsLoaded" }, "claude-code.sh")).toBeUndefined();
    expect(
      await eventOf(
        { hook_event_name: "Notification", message: "x", notification_type: "auth_success" },
        "claude-code.sh",
      ),
    ).toBeUndefined();
  });

  test("with the same id each time, and another one for another device or an equal input of another hook", async () => {
    const input = JSON.stringify({ ...common, hook_event_name: "Stop" });
    await machine.runHook("claude-code.sh", input);
    await machine.runHook("claude-code.sh", input);
    const { waiting } = await listSpool(machine.paths.spool);
    const ids = new Set<string>();
    for (const { name, time_ms } of [...waiting, ...waiting]) {
      const hook = readHookFile(name, await readFile(join(machine.paths.spool, name)), time_ms);
      for (const device of ["laptop", "desk"])
        for (const { id } of (await convertHook(hook, machine.dependencies(device))).events) ids.add(id);
    }
    expect(ids.size).toBe(4);
  });

  test.each(["", "{", "[]", '"text"', "{}", "null"])("or is refused: %s", async (input) => {
    await machine.runHook("claude-code.sh", input);
    const hook = await onlySpooled();
    await expect(convertHook(hook, machine.dependencies())).rejects.toThrow(
      /^the hook('s)? (received|input)/,
    );
  });
});
