import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { readConfig } from "../config.ts";
import { DEFAULT_LIMITS, readLimits } from "../limits.ts";

const SOURCE = join(import.meta.dir, "..");
/** What the protocol's schemas enforce by themselves. */
const PROTOCOL_BOUNDS = new Set(["id_characters", "type_characters", "list_items", "timeline_items"]);

test("a limit is set by its name in the environment; the others keep their defaults", () => {
  const limits = readLimits({ WHARF_LIMIT_BODY_BYTES: "1000", WHARF_LIMIT_JSON_DEPTH: "", HOME: "/root" });
  expect(limits).toEqual({ ...DEFAULT_LIMITS, body_bytes: 1_000 });
  expect(readConfig({ WHARF_LIMIT_KEY_EVENTS_PER_S: "7" }).limits.key_events_per_s).toBe(7);
});

test("a name that is no limit, one that is fixed and a value that cannot be are refused by name", () => {
  const unusable: [string, string][] = [
    ["WHARF_LIMIT_BODY_BYTE", "1000"],
    ["WHARF_LIMIT_TOSTRING", "1000"],
    ["WHARF_LIMIT_ID_CHARACTERS", "100"],
    ["WHARF_LIMIT_BATCH_EVENTS", "1001"],
    ["WHARF_LIMIT_BODY_BYTES", "0"],
    ["WHARF_LIMIT_BODY_BYTES", "8MB"],
    ["WHARF_LIMIT_BODY_BYTES", "-1"],
    ["WHARF_LIMIT_BODY_BYTES", "1e3"],
  ];
  for (const [name, value] of unusable) expect(() => readConfig({ [name]: value })).toThrow(name);
});

test("origins and proxies come from the environment; Railway stands before its servers", () => {
  const config = readConfig({ WHARF_CORS_ORIGINS: "https://a.example, http://localhost:3000" });
  expect(config.corsOrigins).toEqual(["https://a.example", "http://localhost:3000"]);
  expect(readConfig({}).corsOrigins).toEqual([]);
  expect(readConfig({}).trustedProxies).toBe(0);
  expect(readConfig({ RAILWAY_ENVIRONMENT_NAME: "production" }).trustedProxies).toBe(1);
  expect(readConfig({ RAILWAY_ENVIRONMENT_NAME: "x", WHARF_TRUSTED_PROXIES: "2" }).trustedProxies).toBe(2);
  for (const origins of ["*", "a.example", "https://a.example/path"])
    expect(() => readConfig({ WHARF_CORS_ORIGINS: origins })).toThrow("WHARF_CORS_ORIGINS");
});

test("every limit that is advertised is enforced: something besides its declaration reads it", async () => {
  const files = new Glob("**/*.ts").scanSync({ cwd: SOURCE });
  const programs = [...files].filter((path) => !path.includes("__tests__") && path !== "limits.ts");
  const texts = await Promise.all(programs.map((path) => Bun.file(join(SOURCE, path)).text()));
  const program = texts.join("\n");
  const unused = Object.keys(DEFAULT_LIMITS).filter(
    (name) => !PROTOCOL_BOUNDS.has(name) && !new RegExp(`\\b${name}\\b`).test(program),
  );
  expect(unused).toEqual([]);
});

test("a key's half of the memory for bodies holds a body of the largest size, as sent and decompressed", () => {
  const { body_memory_bytes, body_bytes, decompressed_body_bytes } = DEFAULT_LIMITS;
  expect(body_memory_bytes / 2).toBeGreaterThanOrEqual(body_bytes + decompressed_body_bytes);
});
