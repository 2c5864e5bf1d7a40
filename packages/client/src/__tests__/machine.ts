import { afterAll, beforeAll } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMarker, createRedactor } from "@wharf/redaction";
import { createFindPlace } from "../git/find-place.ts";
import { createRunGit } from "../git/run-git.ts";
import type { ScriptName } from "../hooks/render-scripts.ts";
import { writeScripts } from "../hooks/write-scripts.ts";
import type { ConvertDependencies } from "../spool/convert-hook.ts";
import { dataPaths } from "../spool/data-paths.ts";
import { createSessionTable } from "../spool/session-table.ts";

export type HookRun = { code: number; output: string };

/** A user's machine in a directory of its own: a home, hook scripts, and a `wharf` that only notes that it was started. */
export function useMachine() {
  const state = { home: "" };
  const home = () => state.home;
  const data = () => join(home(), "it's data");
  const paths = () => dataPaths(data());

  beforeAll(async () => {
    state.home = await realpath(await mkdtemp(join(tmpdir(), "wharf-home-")));
    await mkdir(data());
    const command = join(home(), "wharf stub");
    await writeFile(command, `#!/bin/sh\necho "$@ in $PWD" >>'${home()}/started'\n`);
    await chmod(command, 0o755);
    await writeScripts({ data: data(), command });
  });
  afterAll(async () => {
    await rm(home(), { recursive: true, force: true });
  });

  async function runHook(
    name: ScriptName,
    input: string | Uint8Array,
    env: Record<string, string> = {},
    words: readonly string[] = [],
  ): Promise<HookRun> {
    const child = Bun.spawn([join(paths().hooks, name), ...words], {
      cwd: home(),
      env: { PATH: process.env["PATH"], HOME: home(), ...env },
      stdin: Buffer.from(input),
      stdout: "pipe",
      stderr: "pipe",
    });
    const output = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
    return { code: await child.exited, output };
  }

  function dependencies(device_id = "laptop"): ConvertDependencies {
    const run = createRunGit(environment());
    const redactor = createRedactor({ mark: createMarker("secret of the hub") });
    return {
      device_id,
      home: home(),
      run,
      findPlace: createFindPlace(run),
      sessions: createSessionTable(paths().sessions),
      redact: (line) => redactor.line(line),
    };
  }

  function environment(): Record<string, string> {
    return { PATH: process.env["PATH"] ?? "", HOME: home(), GIT_CONFIG_NOSYSTEM: "1" };
  }

  return {
    get home() {
      return home();
    },
    get data() {
      return data();
    },
    get paths() {
      return paths();
    },
    environment,
    runHook,
    dependencies,
    spooled: () => readdir(paths().spool),
    starts: async () =>
      (await readFile(join(home(), "started"), "utf8").catch(() => "")).split("\n").length - 1,
  };
}

export type Machine = ReturnType<typeof useMachine>;
