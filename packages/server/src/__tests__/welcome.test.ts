import { expect, test } from "bun:test";
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
