import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS } from "@wharf/testkit";
import { runCommand } from "./command.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const AWAY_URL = "postgres://wharf:canary-password@127.0.0.1:1/wharf";
const usage = expect.stringContaining("Usage: ");

describe("a command", () => {
  for (const name of [
    "database-url",
    "enrol",
    "sign-in",
    "health",
    "jobs",
    "migrate",
    "move",
    "backup",
    "restore",
  ]) {
    for (const option of ["--help", "-h"]) {
      test(`"${name} ${option}" explains itself and exits 0`, async () => {
        expect(await runCommand(AWAY_URL, name, option)).toEqual({ code: 0, stdout: usage, stderr: "" });
      });
    }
  }

  for (const words of [
    ["database-url", "--nonsense"],
    ["enrol", "--nonsense"],
    ["enrol", "--url", "nonsense"],
    ["sign-in", "--nonsense"],
    ["sign-in", "--url", "nonsense"],
    ["health", "--nonsense"],
    ["health", "now"],
    ["move"],
    ["move", "--to"],
    ["move", "--to", "nonsense"],
    ["backup"],
    ["backup", "one", "two"],
    ["backup", "--nonsense", "one"],
    ["restore"],
    ["migrate", "--nonsense"],
    ["migrate", "--accept"],
    ["migrate", "up"],
    ["migrate", "--status", "--accept", "001_initial.sql"],
  ]) {
    test(`"${words.join(" ")}" is not understood: the usage, on standard error, and exit code 2`, async () => {
      const { code, stdout, stderr } = await runCommand(AWAY_URL, ...words);
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: usage });
      expect(stderr).not.toContain("canary");
    });
  }
});
