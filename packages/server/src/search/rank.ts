import type { Candidate } from "../db/search/candidates.ts";
import type { DocumentKind } from "./document-kinds.ts";

/** A session with its best document. */
export type RankedSession = { session_id: string; best: Candidate; rank: number };

/** What a person wrote or reads says more of a session than what programs print. */
const KIND_WEIGHTS: Readonly<Record<DocumentKind, number>> = {
  title: 1.6,
  prompt: 1.4,
  summary: 1.3,
  commit: 1.2,
  answer: 1,
  thinking: 0.8,
  tool_input: 0.7,
  tool_output: 0.5,
};
/** A long document has a word by chance more often: one of twice as many lexemes counts two thirds. */
const LENGTH_EXPONENT = 0.6;
/** Of words that other documents of the session have, compared with those of its best one. */
const SESSION_SHARE = 0.8;
/** The newest document counts so much more than a very old one, and half of it after the half-life. */
const RECENCY_BONUS = 0.02;
const RECENCY_HALF_LIFE_DAYS = 30;
const DAY_MS = 86_400_000;

/**
 * Sessions by their best document, and by which of the words all of their documents have. `rarities`: of each word, in the order of
 * the candidates' `has`. `newest`: the time that recency is measured from.
 */
export function rankSessions(
  candidates: readonly Candidate[],
  rarities: readonly number[],
  newest: string,
): RankedSession[] {
  const sessions = new Map<string, { best: Candidate; score: number; words: number[] }>();
  for (const candidate of candidates) {
    const weight = weightOf(candidate, newest);
    const words = rarities.map((rarity, index) => (candidate.has[index] === true ? rarity * weight : 0));
    const score = sum(words);
    const known = sessions.get(candidate.session_id);
    if (known === undefined) {
      sessions.set(candidate.session_id, { best: candidate, score, words });
      continue;
    }
    known.words = known.words.map((word, index) => Math.max(word, words[index] ?? 0));
    if (score > known.score) Object.assign(known, { best: candidate, score });
  }
  return Array.from(sessions, ([session_id, { best, score, words }]) => ({
    session_id,
    best,
    rank: score + SESSION_SHARE * sum(words),
  })).sort((a, b) => b.rank - a.rank || (a.session_id < b.session_id ? -1 : 1));
}

function weightOf({ kind, lexemes, at }: Candidate, newest: string): number {
  const length = Math.max(1, lexemes) ** LENGTH_EXPONENT;
  const days = Math.max(0, Date.parse(newest) - Date.parse(at)) / DAY_MS;
  const recency = 1 + RECENCY_BONUS * 0.5 ** (days / RECENCY_HALF_LIFE_DAYS);
  return (KIND_WEIGHTS[kind] / length) * recency;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
