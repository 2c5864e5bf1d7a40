import postgres from "postgres";
import { StorageError } from "../errors.ts";
import { isConnectionLost } from "./database-errors.ts";
import { withDeadline } from "./deadline.ts";
import { beginOf, type Sql } from "./postgres.ts";

type Rows = readonly (object | undefined)[];

/** One backend of our own. Statements run one after another, in the order in which they are called. */
export type Connection = {
  query<T extends Rows = postgres.Row[]>(
    template: TemplateStringsArray,
    ...parameters: readonly postgres.ParameterOrFragment<never>[]
  ): Promise<postgres.RowList<T>>;
  /** Text of one or more statements without parameters. */
  script(text: string): Promise<void>;
  /** One statement whose text was put together, with parameters as text; prepared once for each text. */
  run<T extends object>(text: string, parameters?: string[]): Promise<T[]>;
  /** Begins a transaction with the settings of the pool that this connection was opened like. */
  begin(): Promise<void>;
  /** The driver's client, for queries of a pool's users: it reconnects, so `isDead` has to be asked after them. */
  readonly sql: Sql;
  /** A name, quoted, as a part of `query`. */
  identifier(name: string): postgres.Helper<string>;
  /** The backend is gone: its open transaction is rolled back, and no further statement is sent. */
  isDead(): boolean;
  close(): Promise<void>;
};

export type ConnectionOptions = {
  /** The longest wait for one statement's answer; without it there is no limit. */
  deadlineMs?: number;
};

const CLOSE_TIMEOUT_S = 1;

/**
 * A connection outside the pool, to the same database and with the same settings; it connects with its first statement.
 *
 * Not one that is reserved from the pool: when the backend of such a one dies between two statements, the driver sends the
 * next one over a new connection, outside the transaction, or ends the process by writing to a socket that is gone; and a
 * reservation that fails to connect takes a place of the pool forever. Here a lost backend is known as soon as its socket
 * closes, and every later statement is refused with StorageError STORAGE_UNAVAILABLE.
 */
export function openConnection(sql: Sql, { deadlineMs }: ConnectionOptions = {}): Connection {
  let dead = false;
  let last: Promise<unknown> = Promise.resolve();
  // Options once parsed are taken as they are (the driver's own `listen` relies on it), which its types do not tell.
  const parsedOptions: object = sql.options;
  const client = postgres({
    ...parsedOptions,
    max: 1,
    idle_timeout: undefined,
    max_lifetime: null,
    onclose: () => {
      dead = true;
    },
  });

  /** One at a time, because the driver would send those that wait over the next connection, after this one was lost. */
  function enqueue<T>(send: () => PromiseLike<T>): Promise<T> {
    const answer = last.then(() => guarded(send));
    last = answer.catch(() => undefined);
    return answer;
  }

  async function guarded<T>(send: () => PromiseLike<T>): Promise<T> {
    if (dead) {
      const message = "The database connection was lost before this statement.";
      throw new StorageError(message, "STORAGE_UNAVAILABLE");
    }
    try {
      return await (deadlineMs === undefined ? send() : withDeadline(send(), deadlineMs));
    } catch (error) {
      if (isConnectionLost(error)) dead = true;
      throw error;
    }
  }

  const begin = beginOf(sql);
  const script = async (text: string) => {
    await enqueue(() => client.unsafe(text));
  };
  return {
    query: (template, ...parameters) => enqueue(() => client(template, ...parameters)),
    script,
    begin: () => script(begin),
    sql: client,
    run: <T extends object>(text: string, parameters: string[] = []) =>
      enqueue(
        async (): Promise<T[]> => client.unsafe<T[]>(text, parameters, { prepare: client.options.prepare }),
      ),
    identifier: (name) => client(name),
    isDead: () => dead,
    close: () => client.end({ timeout: dead ? 0 : CLOSE_TIMEOUT_S }),
  };
}
