import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnProgram } from "@wharf/testkit";
import { describeAdminKey, firstEventCommand } from "../welcome.ts";

const URL = "http://localhost:4318";

test("the command that sends a first event takes the key from where it lies, and never shows it", () => {
  const key = `wharf_admin_${"k".repeat(43)}`;
  const commands = {
    file: firstEventCommand(URL, { source: "file", key, file: "/data/admin-key" }),
    environment: firstEventCommand(URL, { source: "environment", key }),
    table: firstEventCommand(URL, { source: "table" }),
  };
  expect(commands.file).toContain("Bearer $(cat /data/admin-key)");
  for (const command of [commands.environment, commands.table])
    expect(command).toContain(`Bearer \${WHARF_ADMIN_KEY:?set it to an admin key}`);
  for (const command of Object.values(commands)) expect(command).not.toContain(key);
});

test("the start tells where its admin key is, without the key", () => {
  const table = { source: "table" } as const;
  expect(describeAdminKey({ adminKey: table, isKeyShown: true })).toBe("printed above, once");
  expect(describeAdminKey({ adminKey: table, isKeyShown: false })).toStartWith(
    "printed once at the first start; to replace it,",
  );
  expect(
    describeAdminKey({ adminKey: { source: "environment", key: "secret" }, isKeyShown: false }),
  ).not.toContain("secret");
});

test("the command takes a key file whose path a shell would take apart", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wharf it's $HOME; "));
  const file = join(folder, "admin-key");
  await Bun.write(file, "the-key\n");
  const command = firstEventCommand(URL, { source: "file", key: "the-key", file });
  const header = /-H ("Authorization: .*?") -H/.exec(command)?.[1] ?? "";
  const program = spawnProgram({ command: ["bash", "-c", `printf %s ${header}`], cwd: folder });
  expect(await program.exited, program.stderr).toBe(0);
  expect(program.stdout).toBe("Authorization: Bearer the-key");
  await rm(folder, { recursive: true });
});

test("the command sends nothing if the shell has no key, and names the variable to set", async () => {
  const command = firstEventCommand("http://127.0.0.1:1", { source: "table" });
  const run = async (env: Record<string, string>) => {
    const program = spawnProgram({
      command: ["bash", "-c", command.replace(/^curl/, "printf '%s\\n'")],
      cwd: tmpdir(),
      env: { PATH: process.env["PATH"], ...env },
    });
    return { code: await program.exited, stdout: program.stdout, stderr: program.stderr };
  };
  const refused = await run({});
  expect(refused.code).not.toBe(0);
  expect(refused.stdout).toBe("");
  expect(refused.stderr).toContain("WHARF_ADMIN_KEY: set it to an admin key");
  expect((await run({ WHARF_ADMIN_KEY: "the-key" })).stdout).toContain("Authorization: Bearer the-key\n");
});
