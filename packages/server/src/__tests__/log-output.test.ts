import { describe, expect, test } from "bun:test";
import { createLogOutput, LOG_WAITING_CHARACTERS_MAX } from "../log-output.ts";
import { createLogger, flushLog } from "../logger.ts";

/** A stream that accepts nothing until a signal; `fail` makes it return an error. */
function createSlowStream() {
  const written: string[] = [];
  const pending: ((error?: Error | null) => void)[] = [];
  return {
    written,
    stream: {
      write(text: string, done: (error?: Error | null) => void) {
        written.push(text);
        pending.push(done);
      },
      on: () => undefined,
    },
    take(error: Error | null = null) {
      for (const done of pending.splice(0)) done(error);
    },
  };
}

const LINE = `${"x".repeat(1023)}\n`;
const LINES_THAT_FIT = LOG_WAITING_CHARACTERS_MAX / LINE.length;

describe("an output that is not read", () => {
  test("keeps lines up to the bound, then drops and counts them", () => {
    const { stream, written } = createSlowStream();
    const output = createLogOutput(stream);
    for (let n = 0; n < LINES_THAT_FIT + 7; n++) output.write(LINE);
    expect(written).toHaveLength(LINES_THAT_FIT);
    expect(output.linesDropped()).toBe(7);
  });

  test("says once how many lines are missing when it is read again", () => {
    const { stream, written, take } = createSlowStream();
    const output = createLogOutput(stream);
    for (let n = 0; n < LINES_THAT_FIT + 7; n++) output.write(LINE);
    take();
    output.write("first\n");
    output.write("second\n");
    const [notice = "", ...rest] = written.slice(LINES_THAT_FIT);
    expect(JSON.parse(notice)).toMatchObject({
      level: 40,
      lines: 7,
      msg: expect.stringContaining("dropped"),
    });
    expect(rest).toEqual(["first\n", "second\n"]);
  });

  test("drops a single line above the bound, and takes the next one", () => {
    const { stream, written } = createSlowStream();
    const output = createLogOutput(stream);
    output.write("x".repeat(LOG_WAITING_CHARACTERS_MAX + 1));
    output.write("short\n");
    expect(output.linesDropped()).toBe(1);
    expect(written.at(-1)).toBe("short\n");
  });
});

test("an output that refuses lines counts each of them and takes the next one", () => {
  const { stream, written, take } = createSlowStream();
  const output = createLogOutput(stream);
  output.write("one\n");
  output.write("two\n");
  take(new Error("EPIPE"));
  expect(output.linesDropped()).toBe(2);
  output.write("three\n");
  expect(written.at(-1)).toBe("three\n");
});

describe("a flush", () => {
  test("ends when the output has taken all lines", async () => {
    const { stream, take } = createSlowStream();
    const logger = createLogger("info", false, createLogOutput(stream));
    logger.info("last");
    const events: string[] = [];
    const flushed = flushLog(logger, 60_000).then(() => events.push("flushed"));
    await Promise.resolve();
    events.push("taken");
    take();
    await flushed;
    expect(events).toEqual(["taken", "flushed"]);
  });

  test("ends at once when nothing waits, and at its deadline when nothing is taken", async () => {
    const { stream } = createSlowStream();
    const logger = createLogger("info", false, createLogOutput(stream));
    await flushLog(logger, 60_000);
    logger.info("last");
    await flushLog(logger, 1);
  });
});

test("on a terminal each entry is one line", () => {
  const { stream, written } = createSlowStream();
  const logger = createLogger("info", true, createLogOutput(stream));
  logger.info({ request_id: "r", method: "GET", path: "/api/sessions", status: 200 }, "request");
  expect(written).toHaveLength(1);
  expect(written[0]?.match(/\n/g)).toHaveLength(1);
  expect(written[0]).toContain("/api/sessions");
});
