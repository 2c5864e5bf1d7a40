import { describe, expect, test } from "bun:test";
import { failureOf } from "../engine/failure.ts";
import { defineJob, UnrecoverableError } from "../index.ts";
import { anything, fast, useRunners } from "./setup.ts";

const { started } = useRunners();
const textOf = (thrown: unknown) => failureOf(thrown).text;
const refuse = () => {
  throw new Error("no");
};
const traps = { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse };
const circular: Record<string, unknown> = {};
circular["self"] = circular;

/** Values that break code which trusts what was thrown. */
const HOSTILE: Record<string, () => unknown> = {
  null: () => null,
  undefined: () => undefined,
  "a symbol": () => Symbol("s"),
  "a bigint": () => 1n,
  "a circular object": () => circular,
  "a proxy that throws": () => new Proxy({}, traps),
  "a proxy of an error": () => new Proxy(new Error("x"), traps),
  "a proxy of a function": () => new Proxy(() => undefined, traps),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  "an object without a prototype": () => Object.assign(Object.create(null), { a: 1n }),
  "an error that is its own cause": () => {
    const error = new Error("x");
    error.cause = error;
    return error;
  },
  "a group that holds itself": () => {
    const errors: unknown[] = [];
    const error = new AggregateError(errors);
    error.errors.push(error, new Proxy({}, traps), null);
    return error;
  },
  "an unrecoverable error that throws when read": () =>
    Object.defineProperty(new UnrecoverableError("x"), "isRetryable", { get: refuse }),
};
const FIELDS = ["name", "message", "stack", "cause", "errors", "code", "toString", "toJSON"];

describe("what a job threw", () => {
  test("keeps the text of strings and objects", () => {
    expect(textOf("the disk is full")).toBe("the disk is full");
    expect(textOf({ code: "card_declined", message: "no money" })).toBe("card_declined: no money");
    expect(textOf({ reason: 7 })).toBe('{"reason":7}');
    expect(textOf(new URL("http://a/"))).toBe("http://a/");
    expect(textOf(404)).toBe("404");
  });

  test("keeps the chain of causes and the errors of a group", () => {
    const reset = new Error("connect ECONNREFUSED", { cause: "the cable" });
    const text = textOf(new TypeError("fetch failed", { cause: reset }));
    expect(text).toBe("TypeError: fetch failed; caused by Error: connect ECONNREFUSED; caused by the cable");
    const group = new AggregateError([new Error("::1 refused"), "127.0.0.1 refused"]);
    expect(textOf(group)).toBe("AggregateError [Error: ::1 refused; 127.0.0.1 refused]");
  });

  test("ignores a name that is not a string, and cuts long ones", () => {
    expect(textOf(Object.assign(new Error("x"), { name: 5 }))).toBe("Error: x");
    expect(textOf("x".repeat(100_000)).length).toBeLessThanOrEqual(4000);
    expect(textOf("a\0b\ud800")).toBe("a\ufffdb\ufffd");
  });

  test("keeps a long message, and cuts what causes it first", () => {
    const long = new Error("x".repeat(3500), { cause: new Error("y".repeat(5000)) });
    expect(textOf(long)).toStartWith(`Error: ${"x".repeat(3500)}; caused by Error: yyy`);
  });

  test("reads only names and messages of an error", () => {
    const error = Object.assign(new Error("refused"), { password: "canary", detail: "canary" });
    expect(JSON.stringify(failureOf(error))).not.toContain("canary");
  });

  test("is described for any values of its fields", () => {
    const values = [...Object.values(HOSTILE), refuse, () => "text", () => ({}), () => []];
    for (const field of FIELDS) {
      for (const value of values) {
        const thrown = Object.defineProperty(new Error("m"), field, { get: value });
        const { name, text, kind } = failureOf(thrown);
        expect([typeof name, typeof text, kind]).toEqual(["string", "string", "retryable"]);
      }
    }
  });

  for (const [what, make] of Object.entries(HOSTILE)) {
    test(`ends the run with a text and frees its slot when it is ${what}`, async () => {
      const job = defineJob({
        name: "hostile",
        input: anything,
        maxAttempts: 1,
        backoff: fast,
        run: () => {
          throw make();
        },
      });
      const fine = defineJob({ name: "fine", input: anything, run: () => 1 });
      const runner = await started([job, fine], { dsn: "memory:", concurrency: 1 });
      const { id } = await runner.enqueue(job, null);
      await expect(runner.waitFor(id)).rejects.toMatchObject({ code: "JOB_FAILED" });
      expect((await runner.get(id))?.lastError).toEqual(expect.stringMatching(/./));
      expect(await runner.waitFor((await runner.enqueue(fine, null)).id)).toMatchObject({ output: 1 });
    });
  }
});
