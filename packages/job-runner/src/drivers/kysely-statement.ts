import type postgres from "postgres";
import { UnsupportedByDriverError } from "../errors.ts";

export type Rows = readonly (object | undefined)[];

/** The text and values between it: values that are statements are fragments. */
export interface Source {
  readonly strings: readonly string[];
  readonly values: readonly unknown[];
}

export interface Compiled {
  readonly text: string;
  readonly parameters: unknown[];
}

/** Sends a statement; `count` is the number of rows that it changed, or else returned. */
export type Send = (statement: Compiled) => Promise<{ rows: unknown[]; count: number }>;

/**
 * A statement in the shape of postgres.js, which our SQL is written for: part of another one, or, as soon as it is awaited,
 * sent. A class, as it is both a promise and a piece of text.
 */
export class KyselyStatement<T extends Rows> implements postgres.PendingQuery<T> {
  readonly [Symbol.toStringTag] = "KyselyStatement";
  readonly source: Source;
  readonly #send: Send;
  #sent: Promise<postgres.RowList<T>> | undefined = undefined;

  readonly simple = unsupported;
  readonly readable = unsupported;
  readonly writable = unsupported;
  readonly cancel = unsupported;
  readonly stream = unsupported;
  readonly forEach = unsupported;
  readonly cursor = unsupported;
  readonly describe = unsupported;
  readonly values = unsupported;
  readonly raw = unsupported;

  constructor(source: Source, send: Send) {
    this.source = source;
    this.#send = send;
  }

  execute(): this {
    void this.#rows().catch(() => undefined);
    return this;
  }

  // biome-ignore lint/suspicious/noThenProperty: to await a statement is to send it; a fragment is never awaited
  then<Kept = postgres.RowList<T>, Caught = never>(
    onKept?: ((rows: postgres.RowList<T>) => Kept | PromiseLike<Kept>) | null,
    onBroken?: ((reason: unknown) => Caught | PromiseLike<Caught>) | null,
  ): Promise<Kept | Caught> {
    return this.#rows().then(onKept, onBroken);
  }

  catch<Caught = never>(
    onBroken?: ((reason: unknown) => Caught | PromiseLike<Caught>) | null,
  ): Promise<postgres.RowList<T> | Caught> {
    return this.#rows().catch(onBroken);
  }

  finally(onSettled?: (() => void) | null): Promise<postgres.RowList<T>> {
    return this.#rows().finally(onSettled);
  }

  #rows(): Promise<postgres.RowList<T>> {
    this.#sent ??= this.#send(compile(this.source)).then(({ rows, count }) => toRowList<T>(rows, count));
    return this.#sent;
  }
}

/** Text with $1, $2 … for all values, those of fragments included. */
function compile(source: Source): Compiled {
  const parameters: unknown[] = [];
  return { text: textOf(source, parameters), parameters };
}

function textOf({ strings, values }: Source, parameters: unknown[]): string {
  return strings.reduce((text, next, position) => {
    const value = values[position - 1];
    if (value instanceof KyselyStatement) return text + textOf(value.source, parameters) + next;
    parameters.push(value);
    return `${text}$${parameters.length}${next}`;
  });
}

function toRowList<T extends Rows>(rows: unknown[], count: number): postgres.RowList<T> {
  const list = Object.assign(rows, { count });
  if (isRowList<T>(list)) return list;
  throw new TypeError("The dialect returned no rows.");
}

/** What columns the rows have the statement itself declares, as in postgres.js: no driver can check it. */
function isRowList<T extends Rows>(list: unknown): list is postgres.RowList<T> {
  return Array.isArray(list);
}

export function unsupported(): never {
  throw new UnsupportedByDriverError("This way of running a statement", "kysely");
}
