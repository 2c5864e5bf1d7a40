import type { Database } from "bun:sqlite";

const BATCH_MAX = 1000;

/** Resolves or rejects the caller's promise. */
type Settle = () => void;

type Operation = {
  run(): Settle;
  reject(error: unknown): void;
};

export type Writer = {
  write<T>(operation: () => T): Promise<T>;
  flush(): void;
};

/**
 * Runs operations in the order of their calls, those of one turn of the event loop in one transaction, with one wait for
 * the disk. An operation that throws is rolled back individually; a failed commit fails all of them.
 */
export function createWriter(db: Database): Writer {
  const statements = {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    rollback: db.prepare("ROLLBACK"),
    savepoint: db.prepare("SAVEPOINT operation"),
    release: db.prepare("RELEASE operation"),
    undo: db.prepare("ROLLBACK TO operation"),
  };
  const waiting: Operation[] = [];

  /** Resolves with the result when it is durable. */
  function write<T>(operation: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = () => {
      const value = operation();
      return () => resolve(value);
    };
    waiting.push({ run, reject });
    if (waiting.length === 1) setImmediate(flush);
    return promise;
  }

  /** Commits waiting operations; also called before the file is closed. */
  function flush() {
    while (waiting.length > 0) commit(waiting.splice(0, BATCH_MAX));
  }

  function commit(batch: readonly Operation[]) {
    try {
      statements.begin.run();
      const settled = batch.map(attempt);
      statements.commit.run();
      for (const settle of settled) settle();
    } catch (error) {
      if (db.inTransaction) statements.rollback.run();
      for (const operation of batch) operation.reject(error);
    }
  }

  function attempt(operation: Operation): Settle {
    statements.savepoint.run();
    try {
      const settle = operation.run();
      statements.release.run();
      return settle;
    } catch (error) {
      // SQLite rolls the transaction back when the disk is full or fails: then the whole batch is lost.
      if (!db.inTransaction) throw error;
      statements.undo.run();
      statements.release.run();
      return () => operation.reject(error);
    }
  }

  return { write, flush };
}
