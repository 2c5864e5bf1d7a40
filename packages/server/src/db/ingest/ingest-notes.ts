import type { Fragment, Sql } from "../postgres.ts";
import { type Listed, withinPageBytes } from "../reads/page-bytes.ts";

/** The window of ingest health (ingest-health.ts): a repeated rejection stays visible there. */
const NOTE_REPEATED_AFTER_MINUTES = 60;

export type IngestNote = {
  event_id: string | null;
  device_id: string | null;
  /** The session that the event names: its deletion takes the note along. */
  session_id: string | null;
  /** What kind of oddity: characters_replaced, clock_ahead, workspace_unknown, different_body, rejected. */
  kind: string;
  detail: string | null;
  /** The event as it came, as text: jsonb may be unable to hold it. */
  body: string | null;
};

/** Notes about `stored` events, in the statement that stores them. `notes` is a JSON array of IngestNote. */
export function noteRows(sql: Sql, notes: string): Fragment {
  return sql`
    note_rows AS (
      INSERT INTO ingest_notes (event_id, device_id, session_id, kind, detail, body)
      SELECT n.event_id, n.device_id, n.session_id, n.kind, n.detail, n.body
      FROM jsonb_to_recordset((${notes}::text)::jsonb)
        AS n (event_id text, device_id text, session_id text, kind text, detail text, body text)
      JOIN stored ON stored.id = n.event_id
    )`;
}

/**
 * Notes about events that were not stored. A client that repeats an event gets one note an hour for each reason. Of an event that
 * names a deleted session no body is kept: its content would return with the note.
 */
export async function insertNotes(sql: Sql, notes: readonly IngestNote[]): Promise<void> {
  if (notes.length === 0) return;
  await sql`
    INSERT INTO ingest_notes (event_id, device_id, session_id, kind, detail, body)
    SELECT event_id, device_id, session_id, kind, detail,
      CASE WHEN NOT EXISTS (SELECT FROM session_tombstones t WHERE t.session_id = n.session_id) THEN body END
    FROM (
      SELECT DISTINCT ON (coalesce(event_id, ordinality::text), kind, detail) *
      FROM ROWS FROM (
        jsonb_to_recordset((${JSON.stringify(notes)}::text)::jsonb)
          AS (event_id text, device_id text, session_id text, kind text, detail text, body text)
      ) WITH ORDINALITY
      ORDER BY coalesce(event_id, ordinality::text), kind, detail, ordinality
    ) n
    WHERE NOT EXISTS (
      SELECT FROM ingest_notes known
      WHERE known.event_id = n.event_id AND known.kind = n.kind AND known.detail IS NOT DISTINCT FROM n.detail
        AND known.created_at > now() - make_interval(mins => ${NOTE_REPEATED_AFTER_MINUTES})
    )
    ORDER BY ordinality`;
}

export type NoteFilters = {
  device_id?: string | undefined;
  kind?: string | undefined;
  /** Both are exclusive. */
  after?: string | undefined;
  before?: string | undefined;
};

export type IngestNoteRow = Omit<IngestNote, "body" | "session_id"> & {
  id: string;
  body?: string | null;
  created_at: string;
};

/** Newest first, from below `beforeId`. */
export async function listNotes(
  sql: Sql,
  filters: NoteFilters,
  page: { limit: number; beforeId: string | null; withBody: boolean },
): Promise<Listed<IngestNoteRow>[]> {
  const { device_id, kind, after, before } = filters;
  const found = sql`
    SELECT * FROM ingest_notes
    WHERE NOT EXISTS (SELECT FROM session_tombstones t WHERE t.session_id = ingest_notes.session_id AND body IS NOT NULL)
      ${device_id === undefined ? sql`` : sql`AND device_id = ${device_id}`}
      ${kind === undefined ? sql`` : sql`AND kind = ${kind}`}
      ${after === undefined ? sql`` : sql`AND created_at > ${after}::timestamptz`}
      ${before === undefined ? sql`` : sql`AND created_at < ${before}::timestamptz`}
      ${page.beforeId === null ? sql`` : sql`AND id < ${page.beforeId}::bigint`}
    ORDER BY ingest_notes.id DESC LIMIT ${page.limit}`;
  const large = { text: page.withBody ? ["detail", "body"] : ["detail"] };
  return await sql<Listed<IngestNoteRow>[]>`
    SELECT id::text, event_id, device_id, kind, detail, ${page.withBody ? sql`body,` : sql``} created_at, page_is_full
    FROM (${withinPageBytes(sql, found, sql`id DESC`, large)}) page
    ORDER BY page.id DESC`;
}
