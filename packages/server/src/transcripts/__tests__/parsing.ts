import { afterAll, beforeAll } from "bun:test";
import { useTestDatabase } from "@wharf/testkit";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { openDatabase } from "../../db/database.ts";
import { migratePhases } from "../../db/phases.ts";
import type { Sql } from "../../db/postgres.ts";
import { findSessionsToParse } from "../../db/transcripts/unparsed-generations.ts";
import { parseSession } from "../parse/parse-session.ts";
import type { StoredTranscripts } from "../read-stored.ts";
import { type FileToStore, storeFile } from "./store-file.ts";

const SESSIONS_MAX = 100;

export type Parsing = {
  readonly sql: Sql;
  readonly url: string;
  current(): StoredTranscripts;
  store(file: FileToStore): Promise<{ file_id: string; generation: number }>;
  /** Parses until nothing is left to do, as the jobs do. */
  parseAll(): Promise<void>;
};

/** Transcripts on a database of this test file's own. */
export function useParsing(): Parsing {
  const database = useTestDatabase({ migrate: migratePhases });
  let opened: StoredTranscripts | undefined;
  beforeAll(() => {
    const pool = openDatabase(database.url, { deadlineMs: 10_000, max: 3, plansByIndex: true });
    opened = { database: pool, blobs: createPostgresBlobStore(pool) };
  });
  afterAll(() => opened?.database.close());

  function current(): StoredTranscripts {
    if (opened) return opened;
    throw new Error("The database exists only inside tests and hooks.");
  }

  return {
    current,
    store: (file) => storeFile(database.sql, current().blobs, file),
    async parseAll() {
      for (;;) {
        const ids = await findSessionsToParse(database.sql, SESSIONS_MAX);
        if (ids.length === 0) return;
        for (const id of ids) await parseSession(current(), id);
      }
    },
    get sql() {
      return database.sql;
    },
    get url() {
      return database.url;
    },
  };
}
