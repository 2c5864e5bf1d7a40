import type { Sql } from "../postgres.ts";

/** LIKE's own characters stand for themselves. */
const escaped = (text: string) => text.replaceAll(/[\\%_]/g, "\\$&");

/** Words and names that hold `part`, the shortest first. */
export async function findTokensWith(sql: Sql, part: string, limit: number): Promise<string[]> {
  const rows = await sql<{ token: string }[]>`
    SELECT token FROM search_tokens WHERE token LIKE ${`%${escaped(part)}%`} AND token <> ${part}
    ORDER BY length(token), token LIMIT ${limit}`;
  return rows.map(({ token }) => token);
}

/** Words and names that are written similarly, the most similar first. */
export async function findSimilarTokens(sql: Sql, word: string, limit: number): Promise<string[]> {
  const rows = await sql<{ token: string }[]>`
    SELECT token FROM search_tokens WHERE token % ${word} AND length(token) BETWEEN ${word.length - 2} AND ${word.length + 2}
    ORDER BY similarity(token, ${word}) DESC, token LIMIT ${limit}`;
  return rows.map(({ token }) => token);
}
