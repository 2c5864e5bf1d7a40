import { describe, expect, test } from "bun:test";
import { withoutCredentials, withoutUrlAccounts, withoutUrlCredentials } from "../credentials.ts";
import { eventSchema, eventTypeSchema, readPlainEvent, timestampSchema } from "../event.ts";
import { jobIdSchema } from "../job.ts";
import { instant } from "../query.ts";
import { parseRemote } from "../remote.ts";
import { canonicalWorkspaceId } from "../workspace.ts";

/** Parts that make patterns with two ways to go try both, again and again. */
const PARTS = [
  ..."/ .git .git/ @ : :/ a@ a: a/ a. a- .- [ ]: :: a:: :// a:// # ? & = ; %25 %40 %2540 %3f 1 0 \\ ~".split(
    " ",
  ),
  "a:/@",
  "https://",
  "a://a:@",
  "1:1",
  "\u0301",
  " ",
  "\n",
  "-1",
  "T00",
];
const STARTS = [
  "",
  "h.co/a",
  "https://h.co/",
  "https://",
  "git@h:",
  "a::",
  "[",
  "2026-11-22T10:00:00.",
  "a.",
];
const ENDS = ["", "x", "@", "/", "!", "Z"];

function* evilTexts(length: number): Generator<string> {
  for (const start of STARTS)
    for (const part of PARTS)
      for (const end of ENDS)
        yield start + part.repeat(Math.ceil((length - start.length - 1) / part.length)) + end;
}

/** The texts that take longer than `limitMs` each of three times: once may be a pause of the machine. */
function slowTexts(read: (text: string) => unknown, length: number, limitMs: number): string[] {
  const isSlow = (text: string) => {
    const startedAt = performance.now();
    read(text);
    return performance.now() - startedAt > limitMs;
  };
  return [...evilTexts(length)].filter((text) => isSlow(text) && isSlow(text) && isSlow(text));
}

describe("no text is read in more than linear time", () => {
  test.each([
    ["canonicalWorkspaceId", canonicalWorkspaceId],
    ["parseRemote", parseRemote],
  ])("by %s, which reads at most 4,096 characters", (_, read) => {
    expect(slowTexts(read, 4_000, 4)).toEqual([]);
    expect(slowTexts(read, 100_000, 4)).toEqual([]);
  });

  test.each<[string, (text: string) => unknown]>([
    ["withoutCredentials", withoutCredentials],
    ["withoutUrlAccounts", withoutUrlAccounts],
    ["withoutUrlCredentials", withoutUrlCredentials],
    ["timestampSchema", (text) => timestampSchema.safeParse(text)],
    ["eventTypeSchema", (text) => eventTypeSchema.safeParse(text)],
    ["instant", (text) => instant.safeParse(text)],
    ["jobIdSchema", (text) => jobIdSchema.safeParse(text)],
    ["readPlainEvent", (text) => readPlainEvent({ id: text, type: text, timestamp: text })],
    [
      "eventSchema",
      (text) => eventSchema.safeParse({ id: text, type: text, timestamp: text, device_id: text }),
    ],
  ])("by %s", (_, read) => {
    // Quadratic, 20,000 characters take hundreds of milliseconds.
    expect(slowTexts(read, 20_000, 40)).toEqual([]);
  });
});

test("a path of two thousand slashes costs no more than any other", () => {
  const text = `h.co/a${"/".repeat(1_990)}x`;
  const startedAt = performance.now();
  for (let n = 0; n < 1_000; n++) canonicalWorkspaceId(text);
  expect(performance.now() - startedAt).toBeLessThan(500);
});
