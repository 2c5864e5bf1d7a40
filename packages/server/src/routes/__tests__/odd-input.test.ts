import { expect, test } from "bun:test";
import { gitCommit, ingest, sessionStart } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();

const ODD_TEXTS = [
  "%00",
  "a%00b",
  "%EF%BF%BF",
  "%ED%A0%80", // a lone surrogate
  "%E0%A4%A",
  "%",
  "%F0%9F%92%A9",
  "%27%3B%20DROP%20TABLE%20sessions%3B--",
  "%5C",
  "..%2F..",
  "-1",
  "1e999",
  "NaN",
  "99999999999999999999",
  "9999-12-31T23:59:59Z",
  "0001-01-01T00:00:00Z",
  "2026-01-01T00:00:00.1234567890123Z",
  `2026-01-01T00:00:00.${"1".repeat(200)}Z`,
  "2026-01-01T00:00:00%2B23:59",
  "infinity",
  "WyJ4IixbIjIwMjUtMDEtMDFUMDA6MDA6MDAuMDAwMDAwWiIsIngiXV0",
  "x".repeat(3000),
];

const LISTS: Record<string, string[]> = {
  "/api/sessions": [
    "workspace_id",
    "device_id",
    "lifecycle",
    "after",
    "before",
    "ended_after",
    "ended_before",
    "tag",
  ],
  "/api/sessions/one/events": [],
  "/api/sessions/one/git": [],
  "/api/timeline": ["workspace_id", "device_id", "after", "before", "types"],
  "/api/workspaces": [],
  "/api/devices": [],
  "/api/prompts/pending": ["device_id"],
  "/api/remote-envs": ["workspace_id", "device_id", "status"],
  "/api/blueprints": ["workspace_id"],
};

const RESOURCES = ["sessions", "workspaces", "devices", "remote-envs", "blueprints"];

test("odd text in any query parameter is a 400 or an empty list, never a 500", async () => {
  await ingest(server, [sessionStart("one"), gitCommit()]);
  for (const [path, filters] of Object.entries(LISTS)) {
    for (const name of [...filters, "limit", "cursor", "other%00"]) {
      for (const text of ODD_TEXTS) {
        const { status } = await server.request("GET", `${path}?${name}=${text}`);
        expect([path, name, text, [200, 400].includes(status)]).toEqual([path, name, text, true]);
      }
    }
  }
});

test("a parameter that resembles one of the route is a 400 that names it, and other unknown ones are ignored", async () => {
  const { status, body } = await server.request("GET", "/api/usage?group_by=model");
  expect([status, body.errors]).toEqual([
    400,
    [{ pointer: "/group_by", detail: "is unknown; did you mean group?" }],
  ]);
  expect((await server.request("GET", "/api/usage?group_by=")).status).toBe(200);
  expect((await server.request("GET", "/api/usage?theme=dark&_=1")).status).toBe(200);
});

test("odd text in any path is a 404, never a 500", async () => {
  for (const resource of RESOURCES) {
    for (const text of ODD_TEXTS) {
      const { status } = await server.request("GET", `/api/${resource}/${text}`);
      expect([resource, text, status]).toEqual([resource, text, 404]);
    }
  }
  for (const text of ODD_TEXTS) {
    const patched = await server.request("PATCH", `/api/sessions/${text}`, { tags: [] });
    const deleted = await server.request("DELETE", `/api/sessions/${text}`);
    const reparsed = await server.request("POST", `/api/sessions/${text}/reparse`);
    expect([text, patched.status, deleted.status, reparsed.status]).toEqual([text, 404, 404, 404]);
  }
});

test("a body nested too deep, or with a number that no double holds, is a 400, never a 500", async () => {
  const report = {
    id: "s1",
    device_id: "d",
    workspace_id: "github.com/a/b",
    started_at: "2026-01-01T00:00:00Z",
  };
  const bodyWith = (value: string) => `${JSON.stringify(report).slice(0, -1)},"metadata":{"a":${value}}}`;
  for (const value of ["[".repeat(20_000) + "]".repeat(20_000), "1e999", "[".repeat(65) + "]".repeat(65)]) {
    const reported = await server.request("POST", "/api/sessions", bodyWith(value));
    expect([reported.status, reported.body.code]).toEqual([400, "JSON_UNSTORABLE"]);
    const patched = await server.request("PATCH", "/api/sessions/s1", `{"tags":[],"other":${value}}`);
    expect([patched.status, patched.body.code]).toEqual([400, "JSON_UNSTORABLE"]);
  }
  expect((await server.request("POST", "/api/sessions", bodyWith("[[1]]"))).status).toBe(201);
});
