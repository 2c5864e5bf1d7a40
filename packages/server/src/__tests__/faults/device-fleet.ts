import type { SentEvent } from "../../ingest/__tests__/event-factory.ts";
import { commit, end, start, toolUse } from "../../ingest/__tests__/event-factory.ts";
import { type Answer, postEvents } from "./server-process.ts";

const WORKSPACES = 3;
const SESSIONS = 8;

export type Fleet = {
  /** Batches that were answered with 202. */
  acknowledged: SentEvent[][];
  /** Batches that were not: refused, or without an answer. */
  unacknowledged: SentEvent[][];
  answers: (Answer | null)[];
  /** Ends with the batches that are under way. */
  stop(): Promise<void>;
};

/** Devices that share workspaces and sessions, each of which sends one batch after the other. */
export function startFleet(
  url: string,
  random: () => number,
  { devices = 6, batchSize = 20, key }: { devices?: number; batchSize?: number; key?: string } = {},
): Fleet {
  const state = { stopped: false };
  const fleet = {
    acknowledged: [] as SentEvent[][],
    unacknowledged: [] as SentEvent[][],
    answers: [] as (Answer | null)[],
  };

  async function run(device: number): Promise<void> {
    while (!state.stopped) {
      const batch = Array.from({ length: batchSize }, () => randomEvent(`device-${device}`, random));
      const answer = await postEvents(url, batch, key);
      fleet.answers.push(answer);
      if (answer?.status === 202) fleet.acknowledged.push(batch);
      else {
        fleet.unacknowledged.push(batch);
        // A client waits before a retry; without it, an unavailable server would receive thousands of requests.
        await Bun.sleep(20);
      }
    }
  }

  const running = Promise.all(Array.from({ length: devices }, (_, device) => run(device)));
  return {
    ...fleet,
    stop: async () => {
      state.stopped = true;
      await running;
    },
  };
}

/** Sends every batch again until it is taken; answers with the counts of all of them. */
export async function resend(url: string, batches: readonly SentEvent[][], key?: string) {
  const total = { ingested: 0, duplicates: 0, rejected: 0 };
  for (const batch of batches) {
    const answer = await postEvents(url, batch, key);
    if (answer?.status !== 202) throw new Error(`The batch was answered with ${answer?.status}.`);
    total.ingested += answer.body.ingested;
    total.duplicates += answer.body.duplicates;
    total.rejected += answer.body.rejected;
  }
  return total;
}

export const idsOf = (batches: readonly SentEvent[][]) => batches.flat().map(({ id }) => id);

function randomEvent(device_id: string, random: () => number): SentEvent {
  const pick = (max: number) => Math.floor(random() * max);
  const fields = { device_id, workspace_id: `github.com/acme/repo-${pick(WORKSPACES)}` };
  const session = `session-${pick(SESSIONS)}`;
  const at = pick(60);
  if (random() < 0.1) return commit(at, fields);
  if (random() < 0.05) return start(session, at, {}, fields);
  if (random() < 0.05) return end(session, at, {}, fields);
  return toolUse(session, at, fields);
}
