import type postgres from "postgres";
import type { PostgresClient } from "../../contract/driver.ts";
import { UnsupportedByDriverError } from "../../contract/errors.ts";

export type Rows = readonly (object | undefined)[];

export type Value = postgres.ParameterOrFragment<never>;

/** Text, and the values between its parts; values that are statements are fragments. */
export type Source = {
  readonly strings: readonly string[];
  readonly values: readonly Value[];
};

/** Sends a statement; the rows' `count` is the number of rows that it changed, or else returned. */
export type Send = <T extends Rows>(source: Source) => Promise<postgres.RowList<T>>;

/**
 * A statement with the interface of postgres.js, which our SQL uses: a part of another statement, or sent when it is awaited. A
 * class, because it is both a promise and text.
 */
export class Statement<T extends Rows> implements postgres.PendingQuery<T> {
  readonly [Symbol.toStringTag] = "Statement";
  readonly source: Source;
  readonly #send: Send;
  #sent: Promise<postgres.RowList<T>> | undefined = undefined;

  simple(): never {
    return unsupported();
  }

  readable(): never {
    return unsupported();
  }

  writable(): never {
    return unsupported();
  }

  cancel(): never {
    return unsupported();
  }

  stream(): never {
    return unsupported();
  }

  forEach(): never {
    return unsupported();
  }

  cursor(): never {
    return unsupported();
  }

  describe(): never {
    return unsupported();
  }

  values(): never {
    return unsupported();
  }

  raw(): never {
    return unsupported();
  }

  constructor(source: Source, send: Send) {
    this.source = source;
    this.#send = send;
  }

  execute(): this {
    void this.#rows().catch(() => undefined);
    return this;
  }

  // biome-ignore lint/suspicious/noThenProperty: awaiting a statement sends it; a fragment is never awaited
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
    this.#sent ??= this.#send<T>(this.source);
    return this.#sent;
  }
}

/** A client that sends its statements with `send`. */
export function createStatementClient(send: Send): PostgresClient {
  function tag<T extends Rows>(strings: TemplateStringsArray, ...values: readonly Value[]): Statement<T>;
  function tag(helper: unknown, ...rest: readonly Value[]): never;
  function tag(strings: unknown, ...values: readonly Value[]) {
    return isTemplate(strings) ? new Statement({ strings, values }, send) : unsupported();
  }

  function unsafe<T extends Rows>(text: string) {
    return new Statement<T>({ strings: [text], values: [] }, send);
  }

  const others = { types: unsupported, typed: unsupported, notify: unsupported, array: unsupported };
  return Object.assign(tag, { ...others, file: unsupported, json: unsupported, unsafe });
}

export function isTemplate(strings: unknown): strings is TemplateStringsArray {
  return Array.isArray(strings) && "raw" in strings;
}

export function unsupported(): never {
  throw new UnsupportedByDriverError("This way of running a statement", "engine's");
}
