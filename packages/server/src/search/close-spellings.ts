import type { Sql } from "../db/postgres.ts";
import { findSimilarTokens, findTokensWith } from "../db/search/tokens.ts";
import type { KnownTerm } from "./term-frequency.ts";

/** Shorter parts are in too many words. */
const PART_CHARACTERS_MIN = 4;
const TOKENS_WITH_PART_MAX = 50;
const SIMILAR_TOKENS_MAX = 50;
/** Of these, the closest are taken. */
const SPELLINGS_MAX = 5;
/** Words up to here may differ by one letter, longer ones by two. */
const SHORT_WORD_CHARACTERS = 5;
const SPELLED_CHARACTERS_MAX = 40;

/** Names that hold the term as a part, such as `fetchSomeData` for `someDa`. */
export async function namesWithPart(sql: Sql, { term }: KnownTerm): Promise<string[]> {
  const part = onlyWord(term);
  if (part === null || part.length < PART_CHARACTERS_MIN) return [];
  return await findTokensWith(sql, part, TOKENS_WITH_PART_MAX);
}

/** Words that differ from the term by a letter or two. */
export async function closeSpellings(sql: Sql, { term }: KnownTerm): Promise<string[]> {
  const word = onlyWord(term);
  if (word === null || word.length < PART_CHARACTERS_MIN) return [];
  const edits = word.length <= SHORT_WORD_CHARACTERS ? 1 : 2;
  const similar = await findSimilarTokens(sql, word, SIMILAR_TOKENS_MAX);
  return similar
    .map((token) => ({ token, distance: editDistance(word, token) }))
    .filter(({ distance }) => distance <= edits)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, SPELLINGS_MAX)
    .map(({ token }) => token);
}

function onlyWord({ isPhrase, tokens }: KnownTerm["term"]): string | null {
  const [token, ...others] = tokens;
  if (isPhrase || token === undefined || others.length > 0) return null;
  const word = token.wholes.at(-1)?.lexeme ?? token.atoms[0]?.lexeme ?? "";
  return word.length <= SPELLED_CHARACTERS_MAX ? word : null;
}

/** Letters to insert, delete, replace, or swap with the next one. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
