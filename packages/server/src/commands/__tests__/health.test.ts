import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { runCommand } from "./command.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase();

describe("bun run health", () => {
  test("prints one line of JSON and exits 0 when the database answers", async () => {
    const { code, stdout, stderr } = await runCommand(database.url, "health");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toEndWith("}\n");
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      latency_ms: expect.any(Number),
      replication: { mode: "none", standbys: 0 },
    });
  });

  test("prints why not and exits 1 when it is unavailable", async () => {
    const { code, stdout, stderr } = await runCommand("postgres://wharf:x@127.0.0.1:1/wharf", "health");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      latency_ms: expect.any(Number),
      error: expect.stringContaining("is Postgres running"),
    });
  });

  test("prints why not and exits 1 when the environment is not usable", async () => {
    const { code, stdout } = await runCommand("not a connection string", "health");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: expect.stringContaining("not a valid") });
  });
});
