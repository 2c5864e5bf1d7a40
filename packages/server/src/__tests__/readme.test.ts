import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isKnownEventType, payloadSchemas } from "@wharf/protocol";
import { spawnProgram, TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { z } from "zod";
import { migratePhases } from "../db/phases.ts";
import { ADMIN_KEY, ROOT, type ServerProcess, startServer } from "./faults/server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const MINUTE_MS = 60_000;
const page = await Bun.file(join(ROOT, "README.md")).text();
const [send = "", list = ""] = [...page.matchAll(/^curl -sS [\s\S]*?(?=\n```)/gm)].map(
  ([command]) => command,
);
const [setKey = ""] = page.match(/^export WHARF_KEY=.*$/m) ?? [];
const [sent = ""] = page.match(/^\{"ingested".*$/m) ?? [];

const database = useTestDatabase({ migrate: migratePhases });
let folder: string;
let server: ServerProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-readme-"));
  await mkdir(join(folder, ".wharf"));
  await Bun.write(join(folder, ".wharf/admin-key"), `${ADMIN_KEY}\n`);
  server = await startServer({ DATABASE_URL: database.url });
});

afterAll(async () => {
  server.program.kill("SIGTERM");
  await server.program.exited;
  await rm(folder, { recursive: true });
});

/** Where the page says that Wharf listens is where this one does. */
async function answerTo(command: string) {
  const here = command.replaceAll("http://localhost:4318", server.url);
  const program = spawnProgram({ command: ["bash", "-c", `${setKey}\n${here}`], cwd: folder });
  await program.exited;
  return JSON.parse(program.stdout);
}

describe("the fields of payloads that the README names", () => {
  const lines = [...page.matchAll(/^- `([a-z.]+)`: (`.*)$/gm)];

  test("are those of a session's start and end and of a commit", () => {
    expect(lines.map(([, type]) => type)).toEqual(["session.start", "session.end", "git.commit"]);
  });

  for (const [, type = "", fields = ""] of lines) {
    test(`are all that ${type} needs, with their values where only some are taken`, () => {
      const shape: z.ZodRawShape = isKnownEventType(type) ? payloadSchemas[type].shape : {};
      const needed = Object.entries(shape).filter(([, schema]) => !z.safeParse(schema, undefined).success);
      const texts = needed.map(([name, schema]) =>
        schema instanceof z.ZodEnum
          ? `\`${name}\` (${schema.options.map((value) => `\`${value}\``).join(", ")})`
          : `\`${name}\``,
      );
      expect(fields).toBe(texts.join(", "));
    });
  }
});

describe("the commands of the README", () => {
  test("send an event of this very moment, once, and read it back", async () => {
    expect(await answerTo(send)).toEqual(JSON.parse(sent));
    expect(await answerTo(send)).toMatchObject({ ingested: 0, duplicates: 1 });
    const { sessions } = await answerTo(list);
    expect(sessions).toMatchObject([
      { id: "my-first-session", workspace_canonical_id: "github.com/me/project", device_name: "laptop" },
    ]);
    expect(Math.abs(Date.now() - Date.parse(sessions[0].started_at))).toBeLessThan(MINUTE_MS);
  });
});
