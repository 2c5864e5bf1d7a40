import { type DocumentKind, isProse, isRead } from "./document-kinds.ts";
import { quoted, READ_MARK, STEM_MARK, stemOf } from "./lexemes.ts";
import { splitText } from "./split-text.ts";

export type DocumentVector = {
  /** A tsvector literal. */
  literal: string;
  /** Names and words that a query may have a part of, or misspell. */
  tokens: Set<string>;
};

/** The largest position that Postgres keeps. */
const POSITION_MAX = 16_383;
/** Positions that Postgres keeps of a lexeme. */
const POSITIONS_MAX = 255;

const TOKEN_CHARACTERS_MIN = 3;
const TOKEN_CHARACTERS_MAX = 40;
/** Letters that are joined by few digits: hashes and ids would fill the table, and are found by their first characters. */
const NAME = /^\p{L}[\p{L}_-]*(?:\d{1,3}[\p{L}_.-]*){0,2}$/u;

/** The index of a text: each token as written and its atoms, and of prose the stems. `filters`: lexemes without positions. */
export function vectorOf(text: string, kind: DocumentKind, filters: readonly string[]): DocumentVector {
  const hasStems = isProse(kind);
  const positions = new Map<string, number[]>();
  const tokens = new Set<string>();
  const read = new Set<string>();
  let position = 0;
  const add = (lexeme: string, at: number) => {
    const known = positions.get(lexeme);
    if (known === undefined) positions.set(lexeme, at > POSITION_MAX ? [] : [at]);
    else if (known.length < POSITIONS_MAX && at <= POSITION_MAX) known.push(at);
  };
  for (const { atoms, wholes } of splitText(text)) {
    for (const { lexeme, atom } of wholes) add(lexeme, position + 1 + atom);
    for (const { lexeme } of atoms) {
      position += 1;
      add(lexeme, position);
      const stem = hasStems ? stemOf(lexeme) : lexeme;
      if (stem !== lexeme) add(STEM_MARK + stem, position);
      read.add(READ_MARK + stem);
    }
  }
  for (const lexeme of positions.keys()) if (isName(lexeme)) tokens.add(lexeme);
  for (const lexeme of isRead(kind) ? [...filters, ...read] : filters) positions.set(lexeme, []);
  return { literal: literalOf(positions), tokens };
}

function literalOf(positions: ReadonlyMap<string, readonly number[]>): string {
  return Array.from(positions, ([lexeme, at]) =>
    at.length === 0 ? quoted(lexeme) : `${quoted(lexeme)}:${at.join(",")}`,
  ).join(" ");
}

function isName(lexeme: string): boolean {
  const { length } = lexeme;
  return length >= TOKEN_CHARACTERS_MIN && length <= TOKEN_CHARACTERS_MAX && NAME.test(lexeme);
}
