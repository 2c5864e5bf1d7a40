import { StorageError } from "../../errors.ts";
import type { Connection } from "../connection.ts";

const KEY = "wharf: transfer";

type Locked = { locked: boolean };

/** Held by readers of a database until their transaction ends: that database cannot be the target as well. */
export async function shareTransferLock(connection: Connection): Promise<void> {
  const [row] = await connection.query<Locked[]>`
    SELECT pg_try_advisory_xact_lock_shared(hashtextextended(${KEY}, 0)) AS locked`;
  if (row?.locked !== true)
    throw refusal("A restore or a move is writing to this database: wait until it ends.");
}

/** Held by what writes to a database, until its transaction ends. Advisory locks belong to one database, independent of its address. */
export async function takeTransferLock(connection: Connection): Promise<void> {
  const [row] = await connection.query<Locked[]>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(${KEY}, 0)) AS locked`;
  if (row?.locked === true) return;
  throw refusal("The target is the source database, or another backup, restore or move is using it.");
}

function refusal(message: string): StorageError {
  return new StorageError(message, "TRANSFER_LOCKED");
}
