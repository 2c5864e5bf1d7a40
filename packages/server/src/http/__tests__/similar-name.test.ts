import { expect, test } from "bun:test";
import { similarName } from "../similar-name.ts";

const NAMES = ["group", "device_id", "from", "to", "q", "types", "workspace_id"];

test("a name with a slip is taken for the known one", () => {
  const meant = { group_by: "group", grup: "group", deviceId: "device_id", workspace: "workspace_id" };
  const others = { form: "from", type: "types", "device-id": "device_id" };
  for (const [name, known] of Object.entries({ ...meant, ...others }))
    expect([name, similarName(name, NAMES)]).toEqual([name, known]);
});

test("another name, and one that is near short names only, is not", () => {
  for (const name of ["_", "t", "two", "qq", "theme", "order", "x".repeat(10_000)])
    expect([name, similarName(name, NAMES)]).toEqual([name, null]);
});
