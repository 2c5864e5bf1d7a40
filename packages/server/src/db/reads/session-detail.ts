import type { SessionDetail } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { findSessionRelations } from "./session-relations.ts";
import { findSession, findTranscriptFacts } from "./sessions.ts";

/** One session with what its transcripts amount to and what it started, or null. */
export async function findSessionDetail(sql: Sql, id: string): Promise<SessionDetail | null> {
  const [session, facts, relations] = await Promise.all([
    findSession(sql, id),
    findTranscriptFacts(sql, id),
    findSessionRelations(sql, id),
  ]);
  return session === null ? null : { ...session, ...facts, ...relations };
}
