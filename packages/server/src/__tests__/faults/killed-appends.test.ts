import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { z } from "zod";
import { migratePhases } from "../../db/phases.ts";
import { ADMIN_KEY, type ServerProgram, startServerProgram } from "../server-program.ts";

const database = useTestDatabase({ migrate: migratePhases });
// After useTestDatabase, which sets the usual one.
setDefaultTimeout(2 * TEST_TIMEOUT_MS);
const servers: ServerProgram[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

const heldSchema = z.looseObject({ held: z.object({ source_bytes: z.number() }) });
const FILES = 4;
const KILLS = 3;
const headers = { authorization: `Bearer ${ADMIN_KEY}` };
const lineOf = (file: number, n: number) =>
  `${JSON.stringify({ file, n, text: "x".repeat((n * 37) % 900) })}\n`;

async function launch(): Promise<{ server: ServerProgram; url: string }> {
  const server = await startServerProgram(database.url, { LOG_LEVEL: "info", WHARF_WORKER_MODE: "inspect" });
  servers.push(server);
  return { server, url: await server.url() };
}

/** A sender of one file: after each answer, and after each one that did not come, it continues where the hub holds it. */
function createSender(file: number) {
  let whole = "";
  let offset = 0;
  let lines = 0;
  return {
    acknowledged: () => offset,
    whole: () => whole,
    async send(url: string): Promise<void> {
      if (whole.length - offset < 2_000)
        for (const end = lines + 5; lines < end; lines++) whole += lineOf(file, lines);
      const query = `agent=claude-code&device_id=laptop&file=f${file}.jsonl&offset=${offset}`;
      const response = await fetch(`${url}/api/sessions/s/transcript/append?${query}`, {
        method: "POST",
        headers,
        // Cut within a line most of the time.
        body: whole.slice(offset, offset + 1_500),
      });
      const answer = z.looseObject({ source_bytes: z.number().optional() }).parse(await response.json());
      if (response.status === 202) offset = answer.source_bytes ?? offset;
      // What was committed without an answer is repeated, and held already, unless it was cut at another place.
      else if (response.status === 409) offset = heldSchema.parse(answer).held.source_bytes;
      else if (response.status < 500) throw new Error(`unexpected answer ${response.status}`);
    },
  };
}

test("a server killed between and within appends holds each acknowledged byte once, and senders continue without a gap", async () => {
  const senders = Array.from({ length: FILES }, (_, file) => createSender(file));
  let interrupted = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const { server, url } = await launch();
    let isKilled = false;
    const running = senders.map(async ({ send }) => {
      while (!isKilled)
        await send(url).catch((error: unknown) => {
          if (!isKilled) throw error;
          interrupted += 1;
        });
    });
    const before = senders.map(({ acknowledged }) => acknowledged());
    await until(() => senders.every(({ acknowledged }, n) => acknowledged() > (before[n] ?? 0) + 10_000));
    isKilled = true;
    server.program.kill("SIGKILL");
    await server.program.exited;
    await Promise.all(running);
  }
  expect(interrupted).toBeGreaterThan(0);

  const { url } = await launch();
  for (const [file, { acknowledged, whole }] of senders.entries()) {
    const response = await fetch(`${url}/api/sessions/s/transcript/raw?file=f${file}.jsonl`, { headers });
    const held = await response.text();
    // What was committed without an answer may be there, too.
    expect(held.length).toBeGreaterThanOrEqual(acknowledged());
    expect(whole().startsWith(held)).toBe(true);
  }
  const gaps = await database.sql`
    SELECT FROM (
      SELECT source_start, stored_start,
        coalesce(lag(source_end) OVER file, 0) AS source_before,
        coalesce(lag(stored_start + stored_bytes) OVER file, 0) AS stored_before
      FROM transcript_segments WINDOW file AS (PARTITION BY file_id, generation ORDER BY stored_start)
    ) AS segments WHERE source_start <> source_before OR stored_start <> stored_before`;
  expect(gaps).toHaveLength(0);
});
