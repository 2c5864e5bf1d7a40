import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataPaths } from "../../spool/data-paths.ts";
import { agentOf, agentSettings } from "../agent-hooks.ts";
import {
  applyInstall,
  applyUninstall,
  areHooksInstalled,
  planInstall,
  planUninstall,
} from "../change-settings.ts";
import { openInstalled } from "../installed.ts";
import { hasNotify, hasOtherNotify, withNotify, withoutNotify } from "../notify-setting.ts";
import { withHooks, withoutHooks } from "../plan-settings.ts";

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "wharf-settings-"));
  await mkdir(join(home, ".claude"));
  await mkdir(join(home, "data"));
});
afterAll(() => rm(home, { recursive: true }));

const DIRECTORY = "/it's/hooks";
const [CLAUDE, CODEX] = agentSettings({}, "/home/ada");
if (CLAUDE === undefined || CODEX === undefined) throw new Error("no settings");
const hooks = CLAUDE.hooks;

const other = { matcher: "Bash", hooks: [{ type: "command", command: "echo 'wharf'", timeout: 3 }] };
const SHAPES: readonly [name: string, text: string][] = [
  ["an empty object", "{}"],
  ["an empty object with a newline", "{\n}\n"],
  ["one line", '{"model":"opus","permissions":{"allow":[]}}'],
  ["two spaces", `${JSON.stringify({ model: "opus", env: { A: "1" } }, null, 2)}\n`],
  ["tabs", `${JSON.stringify({ env: { A: "1" }, hooks: { Stop: [other] } }, null, "\t")}\n`],
  [
    "four spaces, no newline at the end",
    JSON.stringify({ hooks: { Stop: [other], PreToolUse: [other, other] }, x: [] }, null, 4),
  ],
  ["CRLF", JSON.stringify({ hooks: { SessionStart: [other] }, z: 1 }, null, 2).replaceAll("\n", "\r\n")],
  ["a byte order mark", `\uFEFF${JSON.stringify({ a: "\uFEFF" }, null, 2)}\n`],
  [
    "odd formatting",
    '{ "hooks" :{"Stop":[ {"hooks": []} ]\n},  "b":[1,2 ,3],\n\n"unknown": {"\\"hooks\\"": "}"} }',
  ],
  ["empty hooks", '{\n  "hooks": {},\n  "a": 1\n}\n'],
  ["an empty list", '{\n  "hooks": {\n    "Stop": []\n  }\n}\n'],
];

describe("hooks in settings", () => {
  test.each(SHAPES)("of %s are added behind those of others, and nothing else changes", (_, text) => {
    const changed = withHooks(text, hooks, DIRECTORY);
    const [before, after] = [
      JSON.parse(text.replace(/^\uFEFF/, "")),
      JSON.parse(changed.replace(/^\uFEFF/, "")),
    ];
    const { hooks: given = {}, ...rest } = before;
    const { hooks: present, ...restAfter } = after;
    expect(restAfter).toEqual(rest);
    for (const { event } of hooks) {
      expect(present[event].slice(0, -1)).toEqual(given[event] ?? []);
      expect(present[event].at(-1).hooks[0].command).toContain("claude-code");
    }
    for (const event of Object.keys(given))
      expect(present[event]).toEqual(expect.arrayContaining(given[event]));
    expect(withHooks(changed, hooks, DIRECTORY)).toBe(changed);
    expect(changed.includes("\n")).toBe(text.includes("\n") || text === "{}");
  });

  test.each(SHAPES.slice(2, 9))("of %s leave no trace when they are removed", (_, text) => {
    expect(withoutHooks(withHooks(text, hooks, DIRECTORY))).toBe(text);
  });

  test("are removed from settings that changed since, where the rest stays", () => {
    const changed = withHooks('{\n  "a": 1\n}\n', hooks, DIRECTORY)
      .replace('"a": 1', '"a": 2')
      .replace('"Stop": [', `"Stop": [${JSON.stringify(other)}, `);
    expect(JSON.parse(withoutHooks(changed))).toEqual({ a: 2, hooks: { Stop: [other] } });
  });

  test("of an older version are replaced", () => {
    const old = withHooks('{\n  "a": 1\n}\n', hooks, "/old/hooks");
    expect(withHooks(old, hooks, DIRECTORY)).toBe(withHooks('{\n  "a": 1\n}\n', hooks, DIRECTORY));
  });

  test.each([
    ["a comment", '{ // note\n"a": 1 }'],
    ["a trailing comma", '{"a": 1,}'],
    ["half a file", '{"a": '],
    ["nothing", ""],
    ["a list", "[]"],
    ["hooks that are no object", '{"hooks": []}'],
    ["an event that is no list", '{"hooks": {"Stop": {}}}'],
    ["names that occur twice", '{"hooks": {"Stop": [1]}, "a": 1, "hooks": {"Stop": [2]}, "hooks": 3}'],
  ])("are refused with %s", (_, text) => {
    expect(() => withHooks(text, hooks, DIRECTORY)).toThrow(/^it|^its/);
  });

  test("names hooks that are a list, although it is JSON", () => {
    expect(() => withHooks('{"hooks":[]}', hooks, DIRECTORY)).toThrow('its "hooks" are not lists');
  });
});

describe("the program that Codex notifies", () => {
  const TABLES = 'model = "gpt-6"\n\n[tui]\nnotifications = true\n';

  test.each([TABLES, TABLES.replaceAll("\n", "\r\n"), `\uFEFF${TABLES}`, ""])(
    "is named before all tables, and the text comes back: %j",
    (text) => {
      const changed = withNotify(text, DIRECTORY);
      const { notify, ...rest } = Bun.TOML.parse(changed.replace(/^\uFEFF/, "")) as Record<string, unknown>;
      expect(notify).toEqual(["/bin/sh", "-c", expect.stringContaining('codex-notify.sh\' "$0"')]);
      expect(rest).toEqual(Bun.TOML.parse(text.replace(/^\uFEFF/, "")) as typeof rest);
      expect([withNotify(changed, DIRECTORY), withoutNotify(changed)]).toEqual([changed, text]);
      expect(withNotify(withNotify(text, "/old"), DIRECTORY)).toBe(changed);
      expect([hasNotify(changed, DIRECTORY), hasNotify(changed, "/old"), hasOtherNotify(changed)]).toEqual([
        true,
        false,
        false,
      ]);
    },
  );

  test("stays that of another", () => {
    for (const text of ['notify = ["bell"]\n', `a = 1\n "notify"=['say']\n[b]\n`])
      expect(hasOtherNotify(text)).toBe(true);
    expect(hasOtherNotify("notifications = 1\n# notify = 2\n")).toBe(false);
  });
});

describe("a settings file", () => {
  const installed = () => openInstalled(dataPaths(join(home, "data")));
  const settings = (file: string) => ({ ...CLAUDE, root: join(home, ".claude"), file });

  async function install(file: string) {
    const change = await planInstall(settings(file), DIRECTORY);
    if (change === null) throw new Error("no agent");
    await applyInstall(change, installed());
    return change;
  }
  async function uninstall(file: string) {
    const change = await planUninstall("claude-code", file, installed());
    if (change !== null) await applyUninstall(change, installed());
    return change;
  }

  test.each(SHAPES)("of %s comes back byte for byte, also after two installations", async (_, text) => {
    const file = join(home, ".claude/settings.json");
    await writeFile(file, text, { mode: 0o640 });
    await install(file);
    expect(await areHooksInstalled(settings(file), DIRECTORY)).toBe(true);
    await applyInstall(
      { ...(await install(file)), after: withHooks(text, hooks, "/new/hooks") },
      installed(),
    );
    await uninstall(file);
    expect(await readFile(file, "utf8")).toBe(text);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    await rm(file);
  });

  test("that is a link stays a link", async () => {
    const [file, target] = [join(home, ".claude/linked.json"), join(home, "dotfiles.json")];
    await writeFile(target, '{"a":1}');
    await symlink("../dotfiles.json", file);
    await install(file);
    expect((await lstat(file)).isSymbolicLink()).toBe(true);
    expect(JSON.parse(await readFile(target, "utf8")).hooks.Stop).toHaveLength(1);
    await uninstall(file);
    expect(await readFile(target, "utf8")).toBe('{"a":1}');
    expect((await lstat(file)).isSymbolicLink()).toBe(true);
  });

  test("that was not there is removed again, unless something was added since", async () => {
    const file = join(home, ".claude/new.json");
    await install(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await uninstall(file);
    expect(await stat(file).catch(() => null)).toBeNull();
    await install(file);
    await writeFile(file, (await readFile(file, "utf8")).replace("{", '{\n  "mine": true,'));
    await uninstall(file);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ mine: true });
  });

  test("with comments is left as it is, with the reason", async () => {
    const file = join(home, ".claude/commented.json");
    await writeFile(file, "{ /* mine */ }");
    expect((await install(file)).problem).toContain("comments");
    expect(await readFile(file, "utf8")).toBe("{ /* mine */ }");
  });

  test("is written for agents that are there, and for each profile", () => {
    const files = agentSettings({ CLAUDE_CONFIG_DIR: "/work/claude", CODEX_HOME: "/c" }, "/home/ada").map(
      ({ file }) => file,
    );
    expect(files).toEqual([
      "/home/ada/.claude/settings.json",
      "/work/claude/settings.json",
      "/c/hooks.json",
      "/c/config.toml",
      "/home/ada/.gemini/settings.json",
      "/home/ada/.config/opencode/plugins/wharf.js",
    ]);
  });

  test("of a directory that the environment no longer names shows its program by its name", () => {
    const files = [
      "/c/hooks.json",
      "/c/config.toml",
      "/d/settings.json",
      "/h/.gitconfig",
      "/h/.config/git/config",
    ];
    expect(files.map(agentOf)).toEqual(["codex", "codex", "claude-code", "git", "git"]);
  });
});
