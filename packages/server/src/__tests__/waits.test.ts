import { describe, expect, spyOn, test } from "bun:test";
import { pause, within } from "../waits.ts";

const LONG_MS = 60_000;

describe("a pause", () => {
  test("ends at once when its signal aborts, or has aborted before", async () => {
    const stopping = new AbortController();
    const paused = pause(LONG_MS, stopping.signal);
    stopping.abort();
    await paused;
    await pause(LONG_MS, stopping.signal);
  });

  test("leaves no listener on its signal", async () => {
    const { signal } = new AbortController();
    const added = spyOn(signal, "addEventListener");
    const removed = spyOn(signal, "removeEventListener");
    for (let count = 0; count < 10; count++) await pause(0, signal);
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});

test("a wait within a time ends with its promise, or with the time", async () => {
  await within(Promise.resolve(), LONG_MS);
  await within(new Promise(() => {}), 1);
});
