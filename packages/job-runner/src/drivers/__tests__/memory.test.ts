import { beforeEach, expect, test } from "bun:test";
import { describeDriverContract } from "../../conformance/index.ts";
import type { Driver } from "../driver.ts";
import { createMemoryDriver } from "../memory.ts";

let driver: Driver;
beforeEach(() => {
  driver = createMemoryDriver();
});

describeDriverContract("memory", () => driver);

test("a transaction is refused by the memory driver", async () => {
  const transaction = Object.assign(() => {}, {}) as never;
  await expect(driver.enqueue([], { transaction })).rejects.toMatchObject({ code: "JOB_UNSUPPORTED" });
});
