import { readState, writeDurably } from "../spool/files.ts";

/** How the last requests of the sender ended; for `wharf status`. */
export type SenderState = {
  last_acknowledged_at: string | null;
  /** Null after a request that succeeded. */
  problem: { at: string; status: number | null; message: string } | null;
};

const NOTHING_SENT: SenderState = { last_acknowledged_at: null, problem: null };

export async function readSenderState(path: string): Promise<SenderState> {
  return (await readState<SenderState>(path)) ?? NOTHING_SENT;
}

/** The hub has taken something. */
export async function noteAcknowledged(path: string, at: string): Promise<void> {
  await writeSenderState(path, { last_acknowledged_at: at, problem: null });
}

export async function writeSenderState(path: string, state: SenderState): Promise<void> {
  await writeDurably(path, `${JSON.stringify(state)}\n`);
}
