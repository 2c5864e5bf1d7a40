import { describe, expect, test } from "bun:test";
import { LOOK_UP_GROUP_MAX, lookUpInGroups } from "../look-up-in-groups.ts";

/** A query that ends on a signal. */
function setup() {
  const queries: (readonly string[])[] = [];
  const ends: { resolve(): void; reject(error: Error): void }[] = [];
  const lookUp = lookUpInGroups<string>(async (texts) => {
    queries.push(texts);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    ends.push({ resolve, reject });
    await promise;
    return new Map(
      texts.filter((text) => text.startsWith("known")).map((text) => [text, `value of ${text}`]),
    );
  });
  /** The next query, which may begin a moment later. */
  async function next() {
    while (ends.length === 0) await Promise.resolve();
    return ends.shift();
  }
  return {
    lookUp,
    queries,
    end: async () => (await next())?.resolve(),
    fail: async () => (await next())?.reject(new Error("away")),
  };
}

describe("texts that are looked up", () => {
  test("while a query is under way share the next one, and each gets its own answer", async () => {
    const { lookUp, queries, end } = setup();
    const first = lookUp("known 1");
    const others = ["guess", "known 2", "known 2"].map(lookUp);
    await end();
    expect(await first).toBe("value of known 1");
    await end();
    expect(await Promise.all(others)).toEqual([null, "value of known 2", "value of known 2"]);
    expect(queries).toEqual([["known 1"], ["guess", "known 2", "known 2"]]);
  });

  test("come by at most LOOK_UP_GROUP_MAX a query", async () => {
    const { lookUp, queries, end } = setup();
    const asked = [lookUp("first")];
    for (let n = 0; n <= LOOK_UP_GROUP_MAX; n++) asked.push(lookUp(`guess ${n}`));
    for (let n = 0; n < 3; n++) await end();
    expect(new Set(await Promise.all(asked))).toEqual(new Set([null]));
    expect(queries.map((texts) => texts.length)).toEqual([1, LOOK_UP_GROUP_MAX, 1]);
  });

  test("fail together when the query fails, and are looked up again afterwards", async () => {
    const { lookUp, end, fail } = setup();
    const asked = ["known 1", "known 2"].map(lookUp);
    await fail();
    const results = await Promise.allSettled(asked);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const again = lookUp("known 1");
    await end();
    expect(await again).toBe("value of known 1");
  });
});
