import type { SearchResult } from "@wharf/protocol";
import type { Sql } from "../db/postgres.ts";
import { findSessionsInOrder } from "../db/reads/sessions.ts";
import type { Candidate } from "../db/search/candidates.ts";
import { readDeviceNames } from "../db/search/device-names.ts";
import { readSessionTexts, readTexts } from "../db/search/texts.ts";
import { textOf } from "./documents-of-blocks.ts";
import type { FoundSession } from "./find-sessions.ts";
import { fragmentsOf } from "./fragments.ts";
import type { QueryTerm } from "./parse-query.ts";

export type WrittenResults = {
  results: SearchResult[];
  /** There was no room for the others. */
  isFull: boolean;
};

const RANK_DIGITS = 3;

/** These sessions as results, with the text around what was found. */
export async function writeResults(
  sql: Sql,
  found: readonly FoundSession[],
  terms: readonly QueryTerm[],
  otherWords: readonly string[],
): Promise<WrittenResults> {
  const best = new Map(found.map((session) => [session.session_id, session]));
  const [sessions, textFor, devices] = await Promise.all([
    findSessionsInOrder(sql, [...best.keys()]),
    readBestTexts(
      sql,
      found.map((session) => session.best),
    ),
    readDeviceNames(sql, [...new Set(found.map((session) => session.best.device_id))]),
  ]);
  const isFull = sessions.at(-1)?.page_is_full === true;
  const results = sessions.flatMap(({ page_is_full: _, ...session }): SearchResult[] => {
    const match = best.get(session.id);
    if (match === undefined) return [];
    const { message_id, kind, device_id, at } = match.best;
    const { text, ordinal } = textFor(match.best);
    return [
      {
        session,
        message_id,
        ordinal,
        kind,
        device_name: devices.get(device_id) ?? null,
        workspace_name: session.workspace_name,
        timestamp: at,
        fragments: text === "" ? [] : fragmentsOf(text, terms, otherWords),
        rank: Number(match.rank.toFixed(RANK_DIGITS)),
        tier: match.tier,
      },
    ];
  });
  return { results, isFull };
}

type BestText = { text: string; ordinal: number | null };

async function readBestTexts(
  sql: Sql,
  documents: readonly Candidate[],
): Promise<(document: Candidate) => BestText> {
  const blocks = documents.flatMap(({ message_id, block }) =>
    message_id === null || block === null ? [] : [{ message_id, block }],
  );
  const ofSessions = documents.flatMap(({ id, message_id }) => (message_id === null ? [id] : []));
  const [stored, sessions] = await Promise.all([readTexts(sql, blocks), readSessionTexts(sql, ofSessions)]);
  const byBlock = new Map(stored.map((row) => [`${row.message_id}/${row.block_order}`, row]));
  return ({ id, kind, message_id, block }) => {
    if (message_id === null) return { text: sessions.get(id) ?? "", ordinal: null };
    const row = byBlock.get(`${message_id}/${block}`);
    return row === undefined
      ? { text: "", ordinal: null }
      : { text: textOf(kind, row), ordinal: row.ordinal };
  };
}
