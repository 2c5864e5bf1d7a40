import { describe, expect, test } from "bun:test";
import { appendFile, chmod, mkdir, readdir, rm, rmdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { until } from "@wharf/testkit";
import { at } from "../../../server/src/__tests__/events.ts";
import { runCommand } from "../../../server/src/commands/__tests__/command.ts";
import { createIo } from "../cli/io.ts";
import { run } from "../cli/run.ts";
import { type Machine, RUNTIMES, setupHub } from "./hub.ts";

const hub = setupHub();

function profileFile({ home }: Machine): string {
  return join(home, `.config/wharf/profiles/127.0.0.1-${new URL(hub.url).port}.json`);
}

for (const [name, runtime] of RUNTIMES) {
  describe(`wharf under ${name}`, () => {
    test("enrols the machine, and keeps its keys in a file that only its user can read", async () => {
      const machine = await hub.machine(runtime);
      const { code, json, stderr } = await machine.wharf([
        "connect",
        hub.url,
        await hub.code(),
        "--name",
        "desk",
        "--json",
      ]);
      expect([code, stderr]).toEqual([0, ""]);
      expect(json).toMatchObject({
        status: "connected",
        url: hub.url,
        device: { name: "desk" },
        scopes: ["ingest", "read"],
      });
      expect((await stat(profileFile(machine))).mode & 0o777).toBe(0o600);
      const { body } = await hub.server.request("GET", "/api/devices");
      expect(body.devices).toMatchObject([{ id: json.device.id, name: "desk", os: process.platform }]);
      const { device } = (await hub.server.request("GET", `/api/devices/${json.device.id}`)).body;
      expect(device.report).toMatchObject({ client_version: expect.any(String), hooks: [] });

      const code2 = await hub.code();
      const again = await machine.wharf(["connect", hub.url, code2]);
      expect(again.stdout).toContain("already connected");
      expect((await machine.wharf(["connect", hub.url, code2, "--replace", "--json"])).json.status).toBe(
        "connected",
      );
    });

    test("a wrong code is refused with exit code 4, and nothing is saved", async () => {
      const machine = await hub.machine(runtime);
      const { code, stderr, stdout } = await machine.wharf(["connect", hub.url, "0000-0000-0000"]);
      expect([code, stdout]).toEqual([4, ""]);
      expect(stderr).toContain("bun run enrol");
      expect(await Bun.file(profileFile(machine)).exists()).toBe(false);
    });

    test("a hub that does not answer has the exit code 3, and wrong use has 2", async () => {
      const machine = await hub.machine(runtime);
      const closed = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
      await closed.stop(true);
      const away = await machine.wharf(["connect", `127.0.0.1:${closed.port}`, "CODE", "--json"]);
      expect([away.code, away.json.error.code]).toEqual([3, "HUB_UNREACHABLE"]);
      for (const words of [
        ["conect"],
        ["connect", "--no-such-option"],
        ["connect"],
        ["connect", "ftp://hub", "CODE"],
        ["connect", "a", "b", "c"],
      ]) {
        const { code, stderr, stdout } = await machine.wharf(words);
        expect([words, code, stdout]).toEqual([words, 2, ""]);
        expect(stderr).toContain("error:");
      }
      expect((await machine.wharf(["conect"])).stderr).toContain("Did you mean connect?");
      const help = await machine.wharf(["--help"]);
      expect(help.stdout).toContain("Connect this machine to a hub");
      for (const words of [["help"], []])
        expect(await machine.wharf(words)).toMatchObject({ code: 0, stdout: help.stdout, stderr: "" });
      expect((await machine.wharf(["help", "connect"])).stdout).toContain("--insecure-http");
      expect((await machine.wharf(["help", "nope"])).code).toBe(2);
    });
  });
}

test("plain HTTP to another machine is refused unless it is allowed", async () => {
  const machine = await hub.machine();
  const { code, stderr } = await machine.wharf(["connect", "http://192.0.2.1:4318", "CODE"]);
  expect(code).toBe(4);
  expect(stderr).toContain("--insecure-http");
});

test("an admin key is added from standard input, and a wrong key is not", async () => {
  const machine = await hub.machine();
  const wrong = await machine.wharf(["connect", hub.url, "--key", "-"], {
    stdin: `wharf_admin_${"x".repeat(43)}\n`,
  });
  expect([wrong.code, await Bun.file(profileFile(machine)).exists()]).toEqual([4, false]);
  await machine.wharf(["connect", hub.url, await hub.code()]);
  const added = await machine.wharf(["connect", hub.url, "--key", "-", "--json"], {
    stdin: `${hub.server.key}\n`,
  });
  expect(added.json).toMatchObject({ status: "key_added", scopes: ["ingest", "read", "admin"] });
  expect(added.stdout).not.toContain(hub.server.key);
});

test("a hub that is known by another address, or without TLS, gets its key without a second profile", async () => {
  const machine = await hub.machine();
  await machine.wharf(["connect", hub.url, await hub.code(), "--profile", "home"]);
  const file = join(machine.home, ".config/wharf/profiles/home.json");
  const own = await Bun.file(file).json();
  // As `--insecure-http` leaves it; the name resolves nowhere.
  await Bun.write(file, JSON.stringify({ ...own, url: "http://hub.invalid", insecure_http: true }));
  await chmod(file, 0o600);
  const refused = await machine.wharf(["keys", "list"]);
  const [, words = ""] = /: wharf (connect .+)$/m.exec(refused.stderr) ?? [];
  expect(words).toBe("connect http://hub.invalid --key -");
  expect((await machine.wharf(words.split(" "), { stdin: hub.server.key })).code).toBe(3);
  await Bun.write(file, JSON.stringify(own));
  await chmod(file, 0o600);
  const elsewhere = hub.url.replace("127.0.0.1", "localhost");
  const added = await machine.wharf(["connect", elsewhere, "--key", "-", "--json"], {
    stdin: hub.server.key,
  });
  expect(added.json).toMatchObject({ profile: "home", url: hub.url, scopes: ["ingest", "read", "admin"] });
  expect((await machine.wharf(["backfill"])).code).toBe(0);

  const stated = ["connect", elsewhere, "--key", "-", "--profile", "other"];
  const second = await machine.wharf(stated, { stdin: hub.server.key });
  expect(second.stdout).toContain('Commands still use profile "home"');
  const { checks } = (await machine.wharf(["doctor", "--profile", "other", "--json"])).json;
  const fix = `wharf connect ${hub.url}`;
  expect(checks).toContainEqual(expect.objectContaining({ name: "enrolment", status: "warn", fix }));
  await Bun.write(join(machine.home, ".config/wharf/current"), "other\n");
  const [, ...again] = fix.split(" ");
  expect((await machine.wharf([...again, "--json"])).json).toMatchObject({ current_profile: "home" });
  expect((await machine.wharf(["backfill"])).code).toBe(0);
});

test("empty lists print nothing to standard output, and one line to standard error", async () => {
  const machine = await hub.machine();
  await machine.wharf(["connect", hub.url, "--key", "-"], { stdin: hub.server.key });
  const report = {
    id: "s-1",
    workspace_canonical_id: "github.com/acme/site",
    device_id: "laptop",
    started_at: at(0),
  };
  await hub.server.request("POST", "/api/sessions", report);
  const ofSession = [
    ["session", "s-1", "--events"],
    ["session", "s-1", "--git"],
    ["session", "s-1", "--transcript"],
  ];
  const lists = [
    ["sessions", "--live", "--agent", "codex"],
    ["now"],
    ["search", "nothing"],
    ["usage"],
    ["usage", "--by", "model"],
  ];
  const others = [["queue", "rejected"], ["jobs", "dlq"], ["doctor", "--files"], ["keys", "list"], ["share"]];
  for (const words of [...ofSession, ...lists, ...others]) {
    const [printed, warned]: [string[], string[]] = [[], []];
    const io = createIo({ HOME: machine.home, PATH: process.env["PATH"] });
    const print = (text: string) => void printed.push(text);
    const code = await run(words, { ...io, print, warn: (text) => void warned.push(text) });
    expect({ words, code, printed, warned }).toEqual({
      ...{ words, code: 0, printed: [], warned: [expect.stringMatching(/^[A-Z].*\.$/)] },
    });
  }
});

test("a home directory that cannot be written is named before the code is used", async () => {
  const machine = await hub.machine();
  const enrolment = await hub.code();
  await Bun.write(join(machine.home, ".config"), "a file");
  const { code, stderr } = await machine.wharf(["connect", hub.url, enrolment]);
  expect([code, stderr.includes(".config")]).toEqual([1, true]);
  const other = await hub.machine();
  expect((await other.wharf(["connect", hub.url, enrolment])).code).toBe(0);
});

test("a profile that other users can read is refused", async () => {
  const machine = await hub.machine();
  await machine.wharf(["connect", hub.url, await hub.code()]);
  await chmod(profileFile(machine), 0o644);
  const { code, stderr } = await machine.wharf(["connect", hub.url, await hub.code()]);
  expect(code).toBe(4);
  expect(stderr).toContain(`chmod 600 ${profileFile(machine)}`);
});

describe("install.sh", () => {
  /** But for what Bun itself writes. */
  async function entries({ home }: Machine) {
    return (await readdir(home)).filter((name) => name !== ".bun");
  }

  async function install(machine: Machine, words: string, env: Record<string, string> = {}) {
    return await machine.run(["sh", "-c", `curl -fsS ${hub.url}/install.sh | sh -s -- ${words}`], { env });
  }

  test("installs the command and enrols; uninstall takes all of it back", async () => {
    const machine = await hub.machine();
    const settings = join(machine.home, ".claude/settings.json");
    await Bun.write(settings, '{ "model": "opus" }');
    const session = "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41";
    const transcript = `${JSON.stringify({ type: "user", uuid: "u1", sessionId: session, cwd: "/nowhere", timestamp: "2026-03-14T10:00:00Z", message: { content: "Greet" } })}\n`;
    await Bun.write(join(machine.home, `.claude/projects/-nowhere/${session}.jsonl`), transcript);
    const enrolment = await runCommand(hub.server.url, "enrol", "--url", hub.url, "--json");
    const line = `${JSON.parse(enrolment.stdout).command} --name desk`;
    expect(line).toStartWith(`curl -fsS ${hub.url}/install.sh | sh -s -- `);
    const { code, stdout, stderr } = await machine.run(["sh", "-c", `umask 0; ${line}`]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Connected to ${hub.url} as desk.`);
    expect(stdout).toContain(`export PATH="${machine.home}/.local/bin:$PATH"`);
    const wharf = join(machine.home, ".local/bin/wharf");
    for (const [name, mode] of [
      [".local/share/wharf", 0o700],
      [".config/wharf", 0o700],
      [".local/bin", 0o755],
      [".local/bin/wharf", 0o755],
    ] as const)
      expect([name, (await stat(join(machine.home, name))).mode & 0o777]).toEqual([name, mode]);
    expect(await Bun.file(settings).text()).toContain("/hooks/claude-code.sh");
    expect(stdout).toContain(`Added hooks to ${settings}.`);
    const { devices } = (await hub.server.request("GET", "/api/devices")).body;
    const { device } = (await hub.server.request("GET", `/api/devices/${devices[0].id}`)).body;
    expect(device.report).toMatchObject({
      hooks: [{ name: "claude-code", runs: 50 }],
      agents: [{ agent: "claude-code", files: 1, bytes: transcript.length }],
    });
    await until(async () => {
      const { body } = await hub.server.request("GET", `/api/sessions/${session}/transcript/files`);
      return body.files?.[0]?.source_bytes === transcript.length;
    });
    const { checks } = (await machine.run([wharf, "doctor", "--json"])).json;
    expect(checks).toContainEqual(expect.objectContaining({ name: "hooks", status: "ok" }));
    expect((await machine.run([wharf, "--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await machine.run([wharf, "update", "--json"])).json).toMatchObject({ status: "current" });

    const data = join(machine.home, ".local/share/wharf");
    const script = join(data, "hooks/claude-code.sh");
    const [scriptText, settingsText] = [await Bun.file(script).text(), await Bun.file(settings).text()];
    await appendFile(join(data, "wharf.js"), "\n// An older version\n");
    await Bun.write(script, "#!/bin/sh\n# Of an older version\n");
    expect((await machine.run([wharf, "update", "--json"])).json).toMatchObject({ status: "updated" });
    expect(await Bun.file(script).text()).toBe(scriptText);
    expect((await stat(script)).mode & 0o777).toBe(0o700);
    expect(await Bun.file(settings).text()).toBe(settingsText);

    await machine.run([wharf, "status"]);
    const refresh = join(data, "status.refresh");
    // Recent: it requests none, which could end after the one below.
    await Bun.write(refresh, "");
    const expected = (await machine.run([...machine.command, "status", "--statusline"])).stdout;
    expect(expected).toContain("today");
    await utimes(refresh, 1, 1);
    const lastStatus = () => Bun.file(join(data, "status.json")).text();
    const lineWrittenAt = () => Bun.file(join(data, "status.line")).lastModified;
    const [before, lineBefore] = [await lastStatus(), lineWrittenAt()];
    const printed = await machine.run([wharf, "status", "--statusline"]);
    expect(printed).toMatchObject({ code: 0, stdout: expected, stderr: "" });
    await until(async () => (await lastStatus()) !== before && lineWrittenAt() !== lineBefore);
    await Bun.write(join(data, "status.line"), "kept\n");
    expect((await machine.run([wharf, "status", "--statusline"])).stdout).toBe("kept\n");
    // No new result can be requested, as on a full disk.
    await rm(refresh);
    await mkdir(refresh);
    await utimes(refresh, 1, 1);
    expect(await machine.run([wharf, "status", "--statusline"])).toMatchObject({
      code: 0,
      stdout: "kept\n",
      stderr: "",
    });
    await rmdir(refresh);

    // The runtime of the installation is gone: any other is used.
    const shim = await Bun.file(wharf).text();
    await Bun.write(wharf, shim.replace(/^runtime=.*$/m, "runtime='/nonexistent/node'"));
    expect((await machine.run([wharf, "--version"])).code).toBe(0);
    const cache = join(data, "compile-cache");
    const asked = join(machine.home, "asked");
    await Bun.write(asked, '#!/bin/sh\necho "$NODE_COMPILE_CACHE"\n');
    await chmod(asked, 0o700);
    await Bun.write(wharf, shim.replace(/^runtime=.*$/m, `runtime='${asked}'`));
    expect((await machine.run([wharf, "--help"])).stdout).toBe(`${cache}\n`);
    await rm(asked);
    await Bun.write(join(cache, "v22/one"), "compiled");
    await Bun.write(wharf, shim);

    const listed = (await machine.run([wharf, "uninstall", "--dry-run", "--json"])).json;
    expect(listed.would_remove).toContain(wharf);
    expect(listed.would_remove).toContain(join(machine.home, ".local/share/wharf/hooks"));
    expect(listed.hooks).toEqual([settings]);
    await machine.run([wharf, "status"]);
    const hookFile = join(machine.home, ".local/share/wharf/spool/one");
    await Bun.write(hookFile, "unsent");
    const refused = await machine.run([wharf, "uninstall", "--json"]);
    expect([refused.code, refused.json.error.code]).toEqual([1, "UNSENT"]);
    const dry = await machine.run([wharf, "uninstall", "--dry-run"]);
    expect([dry.code, dry.stderr.includes("1 hook of this machine is not sent")]).toEqual([1, true]);
    await rm(hookFile);
    expect((await machine.run([wharf, "uninstall"])).code).toBe(0);
    expect(await Bun.file(settings).text()).toBe('{ "model": "opus" }');
    expect(await entries(machine)).toEqual([".claude"]);
  });

  test("a repository in which it is called cannot run code or set variables by files of Bun", async () => {
    const machine = await hub.machine();
    const repository = join(machine.home, "repository");
    const ran = join(machine.home, "ran");
    await Bun.write(join(repository, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
    await Bun.write(join(repository, "preload.ts"), `await Bun.write(${JSON.stringify(ran)}, "");`);
    await Bun.write(join(repository, ".env"), "WHARF_PROFILE=other\nHTTP_PROXY=http://127.0.0.1:1\n");
    const inRepository = (script: string) =>
      machine.run(["sh", "-c", script.replace(/^/, `cd '${repository}' && `)]);
    const installing = `curl -fsS ${hub.url}/install.sh | sh -s -- ${await hub.code()} --no-hooks`;
    expect(await inRepository(installing)).toMatchObject({ code: 0, stderr: "" });
    const wharf = join(machine.home, ".local/bin/wharf");
    expect(await inRepository(`${wharf} status --json`)).toMatchObject({ code: 0, stderr: "" });
    await Bun.write(wharf, (await Bun.file(wharf).text()).replace(/^runtime=.*$/m, "runtime=/nonexistent"));
    expect(await inRepository(`${wharf} share set nothing --path .`)).toMatchObject({ code: 0, stderr: "" });
    expect((await machine.run([wharf, "share", "--json"])).json).toMatchObject({
      rules: [{ path: repository, level: "nothing" }],
    });
    expect(await Bun.file(ran).exists()).toBe(false);
  });

  test("a wrong code, a dry run and a foreign file leave nothing behind", async () => {
    const machine = await hub.machine();
    expect((await install(machine, "0000-0000-0000")).code).toBe(4);
    const dry = await install(machine, "0000-0000-0000 --dry-run --no-hooks");
    expect([dry.code, dry.stdout.includes(".local/bin/wharf")]).toEqual([0, true]);
    expect(await entries(machine)).toEqual([]);
    const foreign = join(machine.home, ".local/bin/wharf");
    await Bun.write(foreign, "#!/bin/sh\necho another\n");
    const refused = await install(machine, await hub.code());
    expect([refused.code, refused.stderr.includes(foreign)]).toEqual([1, true]);
    expect(await Bun.file(foreign).text()).toContain("another");
  });

  test("settings that cannot be changed are named, and all else is installed", async () => {
    const machine = await hub.machine();
    const settings = join(machine.home, ".claude/settings.json");
    await Bun.write(settings, "{ damaged");
    const installed = await install(machine, await hub.code());
    expect([installed.code, installed.stderr.includes(`${settings} was not changed`)]).toEqual([1, true]);
    expect(installed.stdout).toContain("Next: wharf status");
    const wharf = join(machine.home, ".local/bin/wharf");
    expect((await machine.run([wharf, "doctor", "--json"])).json.checks).toContainEqual(
      expect.objectContaining({ name: "hub", status: "ok" }),
    );
  });

  test("a damaged download is refused", async () => {
    const machine = await hub.machine();
    const script = await (await fetch(`${hub.url}/install.sh`)).text();
    const damaged = script.replace(/checksum='[0-9a-f]{4}/, "checksum='0000");
    const { code, stderr } = await machine.run(["sh", "-s", "--", "CODE"], { stdin: damaged });
    expect([code, stderr.includes("damaged")]).toEqual([1, true]);
    expect(await readdir(machine.home)).toEqual([]);
  });

  test("a script that ends early runs nothing", async () => {
    const machine = await hub.machine();
    const script = await (await fetch(`${hub.url}/install.sh`)).text();
    const half = script.slice(0, script.lastIndexOf("install_wharf"));
    const { stdout } = await machine.run(["sh", "-s", "--", await hub.code()], { stdin: half });
    expect([stdout, await readdir(machine.home)]).toEqual(["", []]);
  });

  test("without Bun and Node it names what is missing", async () => {
    const machine = await hub.machine();
    const script = await (await fetch(`${hub.url}/install.sh`)).text();
    const withoutPlaces = script.replaceAll(/ \/(?:opt|usr)\S+\/(?:bun|node)/g, "");
    const sh = Bun.which("sh") ?? "/bin/sh";
    const { code, stderr } = await machine.run([sh, "-s", "--", "CODE"], {
      stdin: withoutPlaces,
      env: { PATH: machine.home },
    });
    expect([code, stderr.includes("Node 20 or newer")]).toEqual([1, true]);
  });
});
