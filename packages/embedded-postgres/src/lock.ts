import { Database, SQLiteError } from "bun:sqlite";
import { EmbeddedPostgresError } from "./errors.ts";

const LOCK_POLL_MS = 25;
const LOCK_DEADLINE_MS = 120_000;

/**
 * Runs `action` while no other process (nor other caller in this one) holds the lock at `path`.
 * An exclusive SQLite transaction is a lock that the kernel gives up when its holder dies, however it dies:
 * there is no stale lock to detect, as there would be with a file that holds a pid.
 */
export async function withLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  const lock = new Database(path, { create: true });
  try {
    await acquire(lock, path);
    return await action();
  } finally {
    lock.close();
  }
}

/** The lock at `path` until it is released or this process ends, however it ends; null when another holder has it. */
export function tryLock(path: string): { release(): void } | null {
  const lock = new Database(path, { create: true });
  if (tryAcquire(lock)) return { release: () => lock.close() };
  lock.close();
  return null;
}

async function acquire(lock: Database, path: string): Promise<void> {
  const deadline = Date.now() + LOCK_DEADLINE_MS;
  while (!tryAcquire(lock)) {
    if (Date.now() > deadline) {
      throw new EmbeddedPostgresError(
        `Another process has held ${path} for ${LOCK_DEADLINE_MS / 1000} s: it is starting the same Postgres. Stop it and retry.`,
      );
    }
    await Bun.sleep(LOCK_POLL_MS);
  }
}

function tryAcquire(lock: Database): boolean {
  try {
    lock.run("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY")) return false;
    throw error;
  }
}
