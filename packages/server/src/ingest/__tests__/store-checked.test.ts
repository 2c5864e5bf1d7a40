import { expect, test } from "bun:test";
import type { Database } from "../../db/database.ts";
import type { CheckedEvent } from "../check-event.ts";
import { createStore } from "../store-checked.ts";

const database: Database = {
  run: () => Promise.reject(new Error("no note is written")),
  close: () => Promise.resolve(),
};

function eventOf(id: string): CheckedEvent {
  return {
    ...{ id, type: "test.happened", timestamp: "2026-01-01T00:00:00Z", device_id: "d", session_id: null },
    ...{ workspace: "w", data: "{}", blob_refs: "[]", notes: [] },
  };
}

for (const [change, before, after] of [
  ["expires", ["old"], ["old", "first"]],
  ["is kept again", ["old", "first"], ["old"]],
] as const)
  test(`each event has its own outcome when one ${change} during the flush`, async () => {
    let expired: readonly string[] = before;
    const store = createStore({
      database,
      isExpired: ({ id }) => expired.includes(id),
      flush: (events) => {
        expired = after;
        return Promise.resolve(
          events.map(({ id }) => ({ status: id === "first" ? "accepted" : "duplicate" })),
        );
      },
    });
    const outcomes = await store(["old", "first", "second"].map(eventOf));
    expect(outcomes.map(({ status }) => status)).toEqual([
      "duplicate",
      change === "expires" ? "accepted" : "duplicate",
      "duplicate",
    ]);
  });
