import type postgres from "postgres";
import { StorageError } from "../errors.ts";
import { errorCode, isUnavailable } from "./database-errors.ts";
import type { Sql } from "./postgres.ts";

type Rows = readonly (object | undefined)[];

/** One backend, ours until released. Queries run in the order in which they are called. */
export type Connection = {
  query<T extends Rows = postgres.Row[]>(
    template: TemplateStringsArray,
    ...parameters: readonly postgres.ParameterOrFragment<never>[]
  ): Promise<postgres.RowList<T>>;
  /** Text of one or more statements without parameters. */
  script(text: string): Promise<void>;
  /** The backend went away: whatever was open on it is rolled back, and no statement is sent any more. */
  isDead(): boolean;
  /** Gives the connection back. A dead one is never given back: the pool has already taken it out. */
  release(): void;
};

/**
 * A connection of its own from the pool. The driver would run the statements that follow a lost backend on a new
 * connection, outside the transaction; this guard refuses them with StorageError STORAGE_UNAVAILABLE.
 */
export async function reserveConnection(sql: Sql): Promise<Connection> {
  const reserved = await sql.reserve();
  let dead = false;

  async function guarded<T>(send: () => PromiseLike<T>): Promise<T> {
    if (dead)
      throw new StorageError(
        "The database connection was lost before this statement.",
        "STORAGE_UNAVAILABLE",
      );
    try {
      return await send();
    } catch (error) {
      // A statement that ran into its timeout leaves the backend alive; every other reason to be unavailable does not.
      if (isUnavailable(error) && errorCode(error) !== "57014") dead = true;
      throw error;
    }
  }

  return {
    query: (template, ...parameters) => guarded(() => reserved(template, ...parameters)),
    script: async (text) => {
      await guarded(() => reserved.unsafe(text));
    },
    isDead: () => dead,
    release: () => {
      if (!dead) reserved.release();
    },
  };
}
