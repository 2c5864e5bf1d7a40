import { describe, expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnProgram } from "@wharf/testkit";
import manifest from "../../../../package.json";
import { judgeBun } from "../bun-version.ts";

const ROOT = join(import.meta.dir, "../../../..");

describe("the version of Bun", () => {
  for (const version of ["1.4.4", "1.3.9", "1.2.23", "0.8.1", "1.4.4-canary.20"]) {
    test(`${version} is refused with what to run in its place`, () => {
      const verdict = judgeBun(version, "1.4.5", "run check");
      expect(verdict?.isUsable).toBe(false);
      expect(verdict?.message).toContain(`requires Bun 1.4.5, and this is Bun ${version}`);
      expect(verdict?.message).toContain("npx -y bun@1.4.5 run check");
    });
  }

  for (const version of ["1.4.6", "1.10.0", "2.0.0"]) {
    test(`${version} is taken, and the version that was tested is named`, () => {
      const verdict = judgeBun(version, "1.4.5", "start");
      expect(verdict).toEqual({ isUsable: true, message: expect.stringContaining("tested with Bun 1.4.5") });
    });
  }

  test("1.4.5 is taken without a word", () => {
    expect(judgeBun("1.4.5", "1.4.5", "start")).toBeNull();
    expect(judgeBun("1.4.5-canary.3", "1.4.5", "start")).toBeNull();
  });
});

describe("the scripts of package.json", () => {
  test("call the Bun that runs them, which need not be on the PATH", () => {
    for (const [name, script] of Object.entries(manifest.scripts))
      expect(script, name).not.toMatch(/(^|&& |exec |=1 )bun /);
  });

  test("run under npx, which names npm as the program that runs them and puts Bun on the PATH", async () => {
    const bin = await mkdtemp(join(tmpdir(), "wharf-npx-"));
    await symlink(process.execPath, join(bin, "bun"));
    const program = spawnProgram({
      command: [process.execPath, "run", "jobs", "--help"],
      cwd: ROOT,
      env: {
        PATH: `${bin}:/usr/bin:/bin`,
        HOME: process.env["HOME"],
        npm_execpath: "/usr/lib/node_modules/npm/bin/npm-cli.js",
      },
    });
    expect(await program.exited, program.stderr).toBe(0);
    expect(program.stdout).toStartWith("Usage: bun run jobs");
    await rm(bin, { recursive: true });
  });

  test("look at the version of Bun before they install", () => {
    const installing = Object.entries(manifest.scripts).filter(([name]) => ["start", "check"].includes(name));
    expect(installing).toHaveLength(2);
    for (const [, script] of installing)
      expect(script.indexOf("require-bun.ts")).toBeLessThan(script.indexOf("install"));
  });

  test("run without a bun on the PATH", async () => {
    const program = spawnProgram({
      command: [process.execPath, "run", "jobs", "--help"],
      cwd: ROOT,
      env: { PATH: "/usr/bin:/bin", HOME: process.env["HOME"] },
    });
    expect(await program.exited, program.stderr).toBe(0);
    expect(program.stdout).toStartWith("Usage: bun run jobs");
  });
});
