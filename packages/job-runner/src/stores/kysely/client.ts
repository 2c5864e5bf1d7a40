import { CompiledQuery, type QueryResult } from "kysely";
import type postgres from "postgres";
import type { PostgresClient } from "../../contract/driver.ts";
import { JobDatabaseTimeoutError } from "../../contract/errors.ts";
import { withTimeLimit } from "../../contract/time-limit.ts";
import { createStatementClient, type Rows, type Source, Statement } from "../postgres/statement.ts";

/** Runs a query in Kysely: an instance, a transaction or a connection. */
export type KyselyExecutor = {
  executeQuery<R>(query: CompiledQuery<R>): Promise<QueryResult<R>>;
};

/**
 * Runs the engine's statements with Kysely. To enqueue in a Kysely transaction:
 * `runner.enqueue(job, input, { transaction: createKyselyClient(trx) })`. Throws JobDatabaseTimeoutError for a statement that
 * gets no response within `deadlineMs`; its connection stays in the dialect's pool.
 */
export function createKyselyClient(executor: KyselyExecutor, deadlineMs?: number): PostgresClient {
  const onTimeout = (limitMs: number): never => {
    throw new JobDatabaseTimeoutError(limitMs);
  };

  async function send<T extends Rows>(source: Source) {
    const { text, parameters } = compile(source);
    const sent = executor.executeQuery(CompiledQuery.raw(text, parameters));
    const answer = deadlineMs === undefined ? sent : withTimeLimit(sent, deadlineMs, onTimeout);
    const { rows, numAffectedRows } = await answer;
    return toRowList<T>(rows, Number(numAffectedRows ?? rows.length));
  }

  return createStatementClient(send);
}

/** Text with $1, $2 … for all values, including those of fragments. */
function compile(source: Source): { text: string; parameters: unknown[] } {
  const parameters: unknown[] = [];
  return { text: textOf(source, parameters), parameters };
}

function textOf({ strings, values }: Source, parameters: unknown[]): string {
  return strings.reduce((text, next, position) => {
    const value = values[position - 1];
    if (value instanceof Statement) return text + textOf(value.source, parameters) + next;
    parameters.push(value);
    return `${text}$${parameters.length}${next}`;
  });
}

function toRowList<T extends Rows>(rows: unknown[], count: number): postgres.RowList<T> {
  const list = Object.assign(rows, { count });
  if (isRowList<T>(list)) return list;
  throw new TypeError("The dialect returned no rows.");
}

/** The statement declares the columns of its rows, as in postgres.js; no driver checks them. */
function isRowList<T extends Rows>(list: unknown): list is postgres.RowList<T> {
  return Array.isArray(list);
}
