import type { Database } from "../../db/database.ts";
import { findSessionDetail } from "../../db/reads/session-detail.ts";
import { listSelectedIds, type SessionFilters } from "../../db/reads/session-selection.ts";
import type { StoredTranscripts } from "../read-stored.ts";
import { exportJson } from "./export-json.ts";
import { exportMarkdown } from "./export-markdown.ts";
import { entriesOf } from "./export-tar.ts";
import { type TarEntry, writeTar } from "./tar.ts";

const IDS_PER_READ = 500;

/** Ids of the sessions that match, newest first. */
export async function* selectedIds(database: Database, filters: SessionFilters): AsyncGenerator<string> {
  let after: [string, string] | null = null;
  for (;;) {
    const position: [string, string] | null = after;
    const found: { id: string; started_at: string }[] = await database.run((sql) =>
      listSelectedIds(sql, filters, position, IDS_PER_READ),
    );
    for (const { id } of found) yield id;
    const last = found.at(-1);
    if (last === undefined || found.length < IDS_PER_READ) return;
    after = [last.started_at, last.id];
  }
}

/** `json`: one session a line. Sessions that are deleted meanwhile are left out. */
export async function* exportTexts(
  database: Database,
  ids: AsyncIterable<string>,
  format: "json" | "markdown",
): AsyncGenerator<string> {
  let isFirst = true;
  for await (const id of ids) {
    const session = await database.run((sql) => findSessionDetail(sql, id));
    if (session === null) continue;
    if (format === "json") {
      // Line breaks stand only between the parts of JSON, never in its strings.
      for await (const text of exportJson(database, session)) yield text.replaceAll("\n", "");
      yield "\n";
    } else {
      if (!isFirst) yield "\n---\n\n";
      yield* exportMarkdown(database, session);
    }
    isFirst = false;
  }
}

/** The files of each session, as kept, in a directory of its own. */
export function exportTars(
  stored: StoredTranscripts,
  ids: AsyncIterable<string>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  return writeTar(entriesOfAll(stored, ids));
}

async function* entriesOfAll(
  stored: StoredTranscripts,
  ids: AsyncIterable<string>,
): AsyncGenerator<TarEntry> {
  for await (const id of ids) yield* entriesOf(stored, id, [id]);
}
