import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnProgram } from "@wharf/testkit";
import { firstEventCommand } from "../welcome.ts";

const URL = "http://localhost:4318";

test("the command that sends a first event takes the key from where it lies, and never shows it", () => {
  const key = `wharf_admin_${"k".repeat(43)}`;
  const commands = {
    file: firstEventCommand(URL, { source: "file", key, file: "/data/admin-key" }),
    environment: firstEventCommand(URL, { source: "environment", key }),
    table: firstEventCommand(URL, { source: "table" }),
  };
  expect(commands.file).toContain("Bearer $(cat /data/admin-key)");
  expect(commands.environment).toContain("Bearer $WHARF_ADMIN_KEY");
  expect(commands.table).toContain("Bearer <the admin key>");
  for (const command of Object.values(commands)) expect(command).not.toContain(key);
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
