import { beforeEach, describe, expect, test } from "bun:test";
import { seedExamples } from "../../../server/src/openapi/__tests__/seed-examples.ts";
import { createIo } from "../cli/io.ts";
import { run } from "../cli/run.ts";
import { type Machine, RUNTIMES, setupHub } from "./hub.ts";

const hub = setupHub();
const SESSION = "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41";
const NODE = RUNTIMES[1]?.[1];
let bun: Machine;
let node: Machine;

beforeEach(async () => {
  await seedExamples(hub.server);
  [bun, node] = [await hub.machine(), await hub.machine(NODE)];
  const enrolment = await hub.code();
  await bun.wharf(["connect", hub.url, enrolment, "--name", "desk"]);
  // The same profile: one enrolment serves both.
  await node.run(["cp", "-r", `${bun.home}/.config`, node.home]);
});

/** Each command with what its JSON holds and what its plain lines hold. */
const COMMANDS: readonly (readonly [words: string[], json: object, plain: RegExp])[] = [
  [
    ["sessions"],
    { sessions: [{}, { id: SESSION }], has_more: false, next_cursor: null },
    /^3f6b1f0e-\S+\t2025-/m,
  ],
  [
    ["sessions", "--device", "Unknown-Device", "--workspace", "site", "--limit", "1"],
    { has_more: true },
    /unknown-device/,
  ],
  [["session", SESSION], { session: { id: SESSION, own: {} } }, /^workspace\tgithub.com\/acme\/site$/m],
  [["session", SESSION, "--events"], { events: expect.any(Array) }, /\tsession\.start\t/],
  [["session", SESSION, "--git"], { git_activity: [{ session_match: "exact" }] }, /\tcommit\texact\t/],
  [["search", "greet", "visitor"], { results: [{ session: { id: SESSION } }] }, /\tsite on unknown-device\t/],
  [
    ["usage", "monthly", "--since", "2025-01-01"],
    { rows: [{ key: "2025-03", cost_is_partial: true }] },
    /^2025-03\t1\t900\t/m,
  ],
  [
    ["usage", "--by", "model", "--since", "2025-01-01"],
    { unpriced: [{ model: "house-model" }] },
    /^house-model\t1\t/m,
  ],
  [["timeline", "--limit", "5"], { items: expect.any(Array), has_more: false }, /^session\t.*\tsite\t/m],
  [["workspaces"], { workspaces: expect.any(Array) }, /^github\.com\/acme\/site\t2\t/m],
  [["devices"], { devices: expect.any(Array) }, /^desk \(this\)\tonline\t/m],
];

test("commands print the hub's JSON under Node, and lines for a pipe under Bun", async () => {
  for (const [words, json, plain] of COMMANDS) {
    const [asJson, asText] = await Promise.all([node.wharf([...words, "--json"]), bun.wharf(words)]);
    expect([words, asJson.code, asJson.stderr, asText.code]).toEqual([words, 0, "", 0]);
    expect(asJson.json).toMatchObject(json);
    expect(asText.stdout).toMatch(plain);
    expect(asText.stdout).not.toContain("\u001b");
  }
});

test("a transcript is JSON by line or text, and a session is exported", async () => {
  const lines = (await node.wharf(["session", SESSION, "--transcript", "--json"])).stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).message_type)).toEqual(["user", "assistant"]);
  const text = (await bun.wharf(["session", SESSION, "--transcript"])).stdout;
  expect(text).toContain("Greet the visitor");
  expect(text).toContain("  > Bash bun test");
  expect((await node.wharf(["session", SESSION, "--export", "md"])).stdout).toContain("Greet the visitor");
  expect((await node.wharf(["session", SESSION, "--export", "json"])).json).toMatchObject({
    session: { id: SESSION },
  });
});

describe("what cannot work", () => {
  test("has an exit code and a message with what to do", async () => {
    const cases: [words: string[], code: number, message: RegExp][] = [
      [["session", "no-such-session"], 1, /Session not found/],
      [["sessions", "--device", "toaster"], 1, /There are: .*desk/],
      [["sessions", "--since", "yesterday"], 2, /Use 12h, 7d/],
      [["sessions", "--limit", "none"], 2, /number of at least 1/],
      [["sessions", "--profile", "other"], 2, /No profile "other"/],
      [["session", SESSION, "--export", "pdf"], 2, /json, md or tar/],
      [["usage", "yearly"], 2, /daily, weekly, monthly, session/],
      [["usage", "weekly", "--by", "model"], 2, /cannot be combined/],
      [["devices", "rename", "desk", "bench"], 4, /--key -/],
    ];
    for (const [words, code, message] of cases) {
      const ran = await bun.wharf(words);
      expect([words, ran.code, ran.stdout]).toEqual([words, code, ""]);
      expect(ran.stderr).toMatch(message);
    }
    const stranger = await hub.machine();
    const { code, json } = await stranger.wharf(["sessions", "--json"]);
    expect([code, json.error.code]).toEqual([1, "NOT_CONNECTED"]);
  });

  test("a revoked key is named as not allowed", async () => {
    await hub.server.request(
      "DELETE",
      `/api/devices/${(await node.wharf(["devices", "--json"])).json.devices.find(({ name }: { name: string }) => name === "desk").id}`,
    );
    const { code, stderr } = await bun.wharf(["sessions"]);
    expect([code, stderr.includes("key")]).toEqual([4, true]);
  });
});

test("an admin renames and removes devices", async () => {
  await bun.wharf(["connect", hub.url, "--key", "-"], { stdin: hub.server.key });
  expect((await bun.wharf(["devices", "rename", "desk", "bench", "--json"])).json).toMatchObject({
    device: { name: "bench" },
  });
  expect((await bun.wharf(["devices", "remove", "bench"])).stdout).toContain("Removed bench");
});

test("a terminal gets a table with titles and colours that fits its width, without control characters of the hub", async () => {
  await hub.server.request("PATCH", `/api/sessions/${SESSION}`, { summary: "\u001b]0;owned\u0007" });
  const written: string[] = [];
  const io = {
    ...createIo({ HOME: bun.home }),
    isTerminal: true,
    columns: 120,
    print: (text: string) => void written.push(text),
  };
  expect(await run(["workspaces"], io)).toBe(0);
  expect(written[0]).toStartWith("WORKSPACE");
  expect(await run(["session", SESSION], io)).toBe(0);
  expect(written.join("\n")).toContain("]0;owned");
  expect(written.join("\n")).not.toContain("\u001b]");
  expect(written.join("\n")).not.toContain("\u0007");
  expect(Math.max(...written.slice(0, 3).map((line) => line.length))).toBeLessThanOrEqual(120);
});
