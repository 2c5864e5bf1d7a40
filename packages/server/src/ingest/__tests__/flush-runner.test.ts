import { describe, expect, test } from "bun:test";
import type { Database } from "../../db/database.ts";
import { BY_ROW_AFTER_FAILURE_MS, BY_ROW_AFTER_REFUSAL_MS, createFlushRunner } from "../flush-runner.ts";

const INPUT = { events: [], notes: "[]", mayHaveNewParents: false, projected_ids: [] };
const OUTPUT = {
  stored_count: 0,
  stored_ids: null,
  queue_id: null,
};

/** A runner whose batched database fails with `code` until changed; `ran` lists the calls. */
function setup(code: string) {
  const ran: string[] = [];
  const state = { fails: true, nowMs: 0 };
  const fake = (name: string, fail: () => boolean): Database => ({
    run: async () => {
      ran.push(name);
      if (fail()) throw Object.assign(new Error("refused"), { code });
      return JSON.parse(JSON.stringify(OUTPUT));
    },
    close: async () => undefined,
  });
  const run = createFlushRunner({
    database: fake("by row", () => false),
    bySetDatabase: fake("by set", () => state.fails),
    onRetry: () => ran.push("again"),
    now: () => state.nowMs,
  });
  return { ran, state, run: () => run(INPUT) };
}

describe("a flush that cannot check its parents itself", () => {
  const codes = {
    "55P03": BY_ROW_AFTER_FAILURE_MS,
    "55000": BY_ROW_AFTER_FAILURE_MS,
    "53300": BY_ROW_AFTER_FAILURE_MS,
    "42501": BY_ROW_AFTER_REFUSAL_MS,
    "08P01": BY_ROW_AFTER_REFUSAL_MS,
  };
  for (const [code, byRow_ms] of Object.entries(codes)) {
    test(`is run by the foreign keys, and so are the next for ${byRow_ms} ms: ${code}`, async () => {
      const { ran, state, run } = setup(code);
      expect(await run()).toEqual(OUTPUT);
      state.fails = false;
      state.nowMs = byRow_ms - 1;
      await run();
      expect(ran).toEqual(["by set", "again", "by row", "by row"]);
      state.nowMs = byRow_ms;
      await run();
      expect(ran.at(-1)).toBe("by set");
    });
  }

  test("runs with per-row checks only when one of its events was stored meanwhile, and the next one does not", async () => {
    const { ran, state, run } = setup("23505");
    expect(await run()).toEqual(OUTPUT);
    state.fails = false;
    await run();
    expect(ran).toEqual(["by set", "again", "by row", "by set"]);
  });

  test("is not run again after any other error, which may have another reason", async () => {
    for (const code of ["23503", "40P01", "57014", "CONNECTION_CLOSED"]) {
      const { ran, run } = setup(code);
      await expect(run()).rejects.toThrow("refused");
      expect(ran).toEqual(["by set"]);
    }
  });
});
