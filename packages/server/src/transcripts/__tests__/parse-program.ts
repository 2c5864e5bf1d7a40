import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { openDatabase } from "../../db/database.ts";
import { findSessionsToParse } from "../../db/transcripts/unparsed-generations.ts";
import { parseSession } from "../parse/parse-session.ts";
import { StepOvertakenError } from "../parse/write-step.ts";

/** Parses everything in DATABASE_URL, and writes a line after each step that is committed. */
const database = openDatabase(process.env["DATABASE_URL"] ?? "", {
  deadlineMs: 60_000,
  max: 3,
  plansByIndex: true,
});
const stored = { database, blobs: createPostgresBlobStore(database) };
// The job of a killed program runs again, also when all was parsed and only its last statements are missing.
const known = await database.run((sql) => sql<{ id: string }[]>`SELECT id FROM sessions`);
for (const { id } of known) await parse(id);
for (;;) {
  const ids = await database.run((sql) => findSessionsToParse(sql, 100));
  if (ids.length === 0) break;
  for (const id of ids) await parse(id);
}
await database.close();

/** The last step of a killed program may be committed after its end: the next round continues behind it, as the job's next attempt does. */
async function parse(id: string): Promise<void> {
  try {
    await parseSession(stored, id, { onStep: (bytes) => process.stdout.write(`step ${bytes}\n`) });
  } catch (error) {
    if (!(error instanceof StepOvertakenError)) throw error;
  }
}
