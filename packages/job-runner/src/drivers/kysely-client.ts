import { CompiledQuery, type QueryResult } from "kysely";
import type { PostgresClient } from "./driver.ts";
import { type Compiled, KyselyStatement, type Rows, unsupported } from "./kysely-statement.ts";

/** What runs a query in Kysely: an instance, a transaction or a connection. */
export interface KyselyExecutor {
  executeQuery<R>(query: CompiledQuery<R>): Promise<QueryResult<R>>;
}

/**
 * Runs the engine's statements by Kysely. Give a Kysely transaction to have jobs enqueued with it:
 * `runner.enqueue(job, input, { transaction: createKyselyClient(trx) })`.
 */
export function createKyselyClient(executor: KyselyExecutor): PostgresClient {
  async function send({ text, parameters }: Compiled) {
    const { rows, numAffectedRows } = await executor.executeQuery(CompiledQuery.raw(text, parameters));
    return { rows, count: Number(numAffectedRows ?? rows.length) };
  }

  function tag<T extends Rows>(
    strings: TemplateStringsArray,
    ...values: readonly unknown[]
  ): KyselyStatement<T>;
  function tag(helper: unknown, ...rest: readonly unknown[]): never;
  function tag(strings: unknown, ...values: readonly unknown[]) {
    return isTemplate(strings) ? new KyselyStatement({ strings, values }, send) : unsupported();
  }

  function unsafe<T extends Rows>(text: string) {
    return new KyselyStatement<T>({ strings: [text], values: [] }, send);
  }

  const others = { types: unsupported, typed: unsupported, notify: unsupported, array: unsupported };
  return Object.assign(tag, { ...others, file: unsupported, json: unsupported, unsafe });
}

function isTemplate(strings: unknown): strings is TemplateStringsArray {
  return Array.isArray(strings) && "raw" in strings;
}
