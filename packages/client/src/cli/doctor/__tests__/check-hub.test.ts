import { expect, test } from "bun:test";
import { checkHub } from "../check-hub.ts";

const DAY_MS = 86_400_000;

test.each([
  { offMs: 0, status: "ok", detail: /^[0-2] s (ahead of|behind) the hub$/, fix: null },
  { offMs: DAY_MS / 24, status: "warn", detail: /^36\d\d s ahead of/, fix: expect.stringContaining("clock") },
  { offMs: 1.5 * DAY_MS, status: "fail", detail: /^129\d{3} s ahead of/, fix: expect.any(String) },
  { offMs: -1.5 * DAY_MS, status: "fail", detail: /^129\d{3} s behind/, fix: expect.any(String) },
])("shows a clock that is $offMs ms off as $status", async ({ offMs, status, detail, fix }) => {
  const date = () => new Date(Date.now() - offMs).toUTCString();
  const hub = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.json({}, { headers: { date: date() } }),
  });
  const checks = await checkHub({
    name: "test",
    url: `http://127.0.0.1:${hub.port}`,
    insecure_http: false,
    device: null,
    keys: {},
    redaction_secret: null,
    connected_at: "2026-03-14T10:00:00Z",
  });
  await hub.stop(true);
  const clock = checks.find(({ name }) => name === "clock");
  expect(clock).toMatchObject({ status, fix });
  expect(clock?.detail).toMatch(detail);
});
