import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import manifest from "../../../../package.json";
import railway from "../../../../railway.json";
import { DRAIN_MAX_MS } from "../boot.ts";
import { readConfig, SETTINGS } from "../config.ts";
import { describeConnectionString } from "../db/postgres.ts";

const ROOT = resolve(import.meta.dir, "../../../..");
const BUN_VERSION = manifest.packageManager.replace("bun@", "");
const read = (path: string) => Bun.file(join(ROOT, path)).text();
const exists = (path: string) => existsSync(join(ROOT, path));

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
      profiles: z.array(z.string()).default([]),
      environment: z.record(z.string(), z.string()).default({}),
      depends_on: z.record(z.string(), z.unknown()).default({}),
      stop_grace_period: z.string().optional(),
      ports: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
});

const dockerfile = await read("docker/Dockerfile");

function instruction(name: string): string {
  return new RegExp(`^${name} (.*)$`, "m").exec(dockerfile)?.[1] ?? "";
}

describe("docker-compose.yml", async () => {
  const text = await read("docker-compose.yml");
  const compose = composeSchema.parse(Bun.YAML.parse(text));

  test("names only files and volumes that exist", () => {
    for (const { build, volumes } of Object.values(compose.services)) {
      if (build !== undefined)
        expect([build.dockerfile, exists(build.dockerfile)]).toEqual([build.dockerfile, true]);
      for (const volume of volumes) {
        const [source = ""] = volume.split(":");
        const isThere = source.startsWith("./") ? exists(source) : source in compose.volumes;
        expect([source, isThere]).toEqual([source, true]);
      }
    }
  });

  test("starts without a variable of the user's", () => {
    expect(text).not.toMatch(/\$\{\w+:?\?/);
  });

  const processes = ["wharf", "server-1", "server-2", "worker-1", "worker-2"];

  test.each(processes)("sets only settings that exist, to values that can be read, for %s", (name) => {
    const { WHARF_ADMIN_KEY, ...environment } = compose.services[name]?.environment ?? {};
    expect(
      [...Object.keys(environment), "WHARF_ADMIN_KEY"].filter((each) => !SETTINGS.includes(each)),
    ).toEqual([]);
    const { databaseUrl = "", databaseDirectUrl } = readConfig(environment);
    for (const url of [databaseUrl, databaseDirectUrl ?? databaseUrl]) {
      const { address, ignored } = describeConnectionString(url);
      expect(ignored).toEqual([]);
      for (const host of address.split(","))
        expect(compose.services).toHaveProperty(host.split(":")[0] ?? "");
    }
    // The user's, or nothing.
    expect(WHARF_ADMIN_KEY).toBe(`\${WHARF_ADMIN_KEY:-}`);
  });

  test.each(processes)("gives %s longer than its drain takes", (name) => {
    const seconds = Number.parseInt(compose.services[name]?.stop_grace_period ?? "0", 10);
    expect(seconds * 1_000).toBeGreaterThan(DRAIN_MAX_MS);
  });

  test("has a profile with servers, workers, a pooler, a standby, a bucket and a proxy, which need nothing outside of it", async () => {
    const scaled = Object.entries(compose.services).filter(([, { profiles }]) => profiles.includes("scale"));
    const names = scaled.map(([name]) => name).sort();
    expect(names).toEqual(
      [...processes.slice(1), "bucket", "pgbouncer", "primary", "proxy", "standby"].sort(),
    );
    for (const [, { depends_on }] of scaled)
      expect(names).toEqual(expect.arrayContaining(Object.keys(depends_on)));
    for (const name of ["server-1", "server-2"])
      expect(await read("docker/Caddyfile")).toContain(`${name}:4318`);
    expect(await read("docker/pgbouncer.ini")).toContain("pool_mode = transaction");
    // Of its copy of the primary: else a promoted standby would wait for a standby with each commit.
    expect(await read("docker/start-standby.sh")).toMatch(
      /^exec postgres .* -c synchronous_standby_names=$/m,
    );
  });

  test("listens on this machine alone", () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports);
    expect(ports.length).toBe(3);
    for (const port of ports) expect(port).toStartWith("127.0.0.1:");
  });
});

describe("the Dockerfile", () => {
  test("has the version of Bun that package.json names", () => {
    expect(instruction("FROM")).toStartWith(`oven/bun:${BUN_VERSION}`);
  });

  test("runs the server as a user without rights, checks its readiness, and lets signals through", () => {
    expect(instruction("USER")).toBe("bun");
    const [program = "", file = ""] = z.array(z.string()).parse(JSON.parse(instruction("CMD")));
    expect([program, exists(file)]).toEqual(["bun", true]);
    expect(dockerfile).toContain("/health/ready");
  });

  test("sets only settings that exist, to values that can be read", () => {
    const [, assignments = ""] = /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile) ?? [];
    const environment = Object.fromEntries(
      [...assignments.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]),
    );
    expect(Object.keys(environment).length).toBeGreaterThan(0);
    expect(Object.keys(environment).filter((name) => !SETTINGS.includes(name))).toEqual([]);
    expect(readConfig(environment).isProduction).toBe(true);
  });

  test("takes no secret, no data and no modules of the host into the image", async () => {
    const ignored = (await read(".dockerignore")).split("\n");
    expect(ignored).toEqual(expect.arrayContaining([".env*", ".wharf*", "**/node_modules", ".git"]));
  });
});

test("railway.json starts a file that exists, and waits for readiness", () => {
  expect(railway.build.builder).toBe("RAILPACK");
  const file = /bun (\S+)$/.exec(railway.deploy.startCommand)?.[1] ?? "";
  expect([file, exists(file)]).toEqual(["packages/server/src/main.ts", true]);
  expect(railway.deploy.healthcheckPath).toBe("/health/ready");
  expect(railway.deploy.drainingSeconds * 1_000).toBeGreaterThan(DRAIN_MAX_MS);
  expect(railway.deploy.healthcheckTimeout * 1_000).toBeGreaterThan(readConfig({}).databaseWaitMs);
});

test("the workflow and .ci/run call the test command of the README", async () => {
  const command = `npx -y bun@${BUN_VERSION} run check`;
  const workflow = Bun.YAML.parse(await read(".github/workflows/ci.yml"));
  expect(JSON.stringify(workflow)).toContain(command);
  for (const path of [".ci/run", "README.md"]) expect(await read(path)).toContain(command);
});
