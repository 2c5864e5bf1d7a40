import { expect, test } from "bun:test";
import { createReadTurns, READS_PER_KEY_MAX } from "../read-turns.ts";

const inReadTurn = createReadTurns();
const request = (signal?: AbortSignal) => new Request("http://x/", signal === undefined ? {} : { signal });

/** As many reads as a key may have under way. */
function fillTurns(owner: string) {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const held = Array.from({ length: READS_PER_KEY_MAX }, () => inReadTurn(owner, request(), () => released));
  const end = () => {
    release();
    return Promise.all(held);
  };
  return { end };
}

test("a read waits while its key has too many open reads, and a read of another key does not", async () => {
  const turns = fillTurns("a");
  const ran: string[] = [];
  const read = (owner: string) =>
    inReadTurn(owner, request(), async () => {
      ran.push(owner);
    });
  const waiting = read("a");
  await read("b");
  expect(ran).toEqual(["b"]);
  await turns.end();
  await waiting;
  expect(ran).toEqual(["b", "a"]);
});

test("a waiting read of a client that disconnects never runs, and one that fails frees its turn", async () => {
  const turns = fillTurns("a");
  const client = new AbortController();
  let runs = 0;
  const count = async () => {
    runs += 1;
  };
  const gone = inReadTurn("a", request(client.signal), count).catch(String);
  const failing = inReadTurn("a", request(), () => Promise.reject(new Error("a failed read"))).catch(String);
  client.abort();
  await turns.end();
  expect(await gone).toContain("closed the connection");
  expect(await failing).toContain("a failed read");
  for (let times = 0; times < 2 * READS_PER_KEY_MAX; times++) await inReadTurn("a", request(), count);
  expect(runs).toBe(2 * READS_PER_KEY_MAX);
});
