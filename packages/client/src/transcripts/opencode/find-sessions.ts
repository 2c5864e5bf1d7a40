import { createWriteStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Environment } from "../../cli/environment.ts";
import { nullIfMissing, statIfThere } from "../../spool/files.ts";
import type { FoundTranscript } from "../find-transcripts.ts";
import { listSessions, readSession } from "./database.ts";
import { listStored, readStored } from "./json-storage.ts";
import { linesOf, type RowsOfSession, type SessionLook } from "./rows.ts";
import { findSqlite, isDatabaseError } from "./sqlite.ts";

export type FoundSessions = {
  /** Newest first. */
  found: FoundTranscript[];
  /** Databases that are there and were not read, each with the reason. */
  unread: { path: string; reason: "no SQLite" | "failed"; message: string }[];
};

const DATABASE = /^opencode(?:-[\w.-]+)?\.db$/;
/** An answer that has no end this long after the session's last change was given up. */
const LIVE_MS = 10 * 60_000;
/** What the hub calls the rows of a session. */
const FILE = "rows.jsonl";

/**
 * The sessions of opencode that changed at or after `since_ms`: of its databases, or, where there is none that can be read, of the files
 * of versions before 1.2. What is read is a session's rows as lines, written to a file when it is sent.
 */
export async function findOpencodeSessions(
  environment: Environment,
  home: string,
  since_ms = 0,
  sqlite = findSqlite(),
): Promise<FoundSessions> {
  const folder = join(environment["XDG_DATA_HOME"] || join(home, ".local/share"), "opencode");
  const unread: FoundSessions["unread"] = [];
  const sources: Source[] = [];
  for (const path of await databasesOf(environment, folder)) {
    const bytes = (await statIfThere(path))?.size ?? 0;
    if (sqlite === null) {
      unread.push({ path, reason: "no SQLite", message: "this runtime has no SQLite" });
      continue;
    }
    try {
      const database = sqlite(path);
      try {
        sources.push({
          path,
          looks: listSessions(database, bytes),
          read: (id, use) => withDatabase(sqlite, path, id, use),
        });
      } finally {
        database.close();
      }
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      unread.push({ path, reason: "failed", message: error.message });
    }
  }
  const storage = join(folder, "storage");
  if (sources.length === 0)
    sources.push({
      path: storage,
      looks: listStored(storage),
      read: (id, use) => use(readStored(storage, id)),
    });
  return { found: foundIn(sources, since_ms), unread };
}

type UseRows = (rows: RowsOfSession | null) => Promise<void>;
type Source = {
  path: string;
  looks: SessionLook[];
  read: (session_id: string, use: UseRows) => Promise<void>;
};

async function databasesOf(environment: Environment, folder: string): Promise<string[]> {
  const named = environment["OPENCODE_DB"];
  if (named) return (await statIfThere(resolve(folder, named))) === null ? [] : [resolve(folder, named)];
  const names = (await readdir(folder).catch(nullIfMissing)) ?? [];
  return names
    .filter((name) => DATABASE.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** The database is open while a session's rows are written to a local file, and not while they are sent. */
async function withDatabase(
  sqlite: NonNullable<ReturnType<typeof findSqlite>>,
  path: string,
  id: string,
  use: UseRows,
): Promise<void> {
  const database = sqlite(path);
  try {
    await use(readSession(database, id));
  } finally {
    database.close();
  }
}

/** Of a session that several databases hold, the one that changed last. */
function foundIn(sources: readonly Source[], since_ms: number): FoundTranscript[] {
  const found = sources.flatMap(({ path, looks, read }) =>
    looks
      .filter(({ changed_ms }) => changed_ms >= since_ms)
      .map(({ session_id, rows, bytes, changed_ms }): FoundTranscript => {
        const isLive = Date.now() - changed_ms < LIVE_MS;
        const write = (target: string) =>
          read(session_id, async (session) => {
            const lines = session === null ? [] : linesOf(session, isLive);
            await pipeline(Readable.from(lines), createWriteStream(target, { mode: 0o600 }));
          });
        return {
          agent: "opencode",
          session_id,
          file: FILE,
          kind: "main",
          path,
          bytes,
          mtime_ms: changed_ms,
          // It looks different when it is no longer live: what was left out is sent then.
          unpack: { look: { size: rows, mtime_ms: changed_ms, inode: isLive ? 1 : 0 }, write },
        };
      }),
  );
  const sorted = found.sort((a, b) => b.mtime_ms - a.mtime_ms);
  const ids = new Set<string>();
  return sorted.filter(({ session_id }) => !ids.has(session_id) && ids.add(session_id));
}
