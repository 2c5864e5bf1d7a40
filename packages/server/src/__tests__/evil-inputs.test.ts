import { describe, expect, test } from "bun:test";
import { storableJsonText } from "@wharf/job-runner";
import { networkOf } from "../http/client-address.ts";
import { loggedPath } from "../http/middleware.ts";
import { keptBody, keptUnreadable } from "../ingest/kept-body.ts";
import { parseReceivedJson } from "../json/parse-json.ts";
import { withoutKeys } from "../keys/api-key.ts";
import { hashOfTypedCode } from "../keys/enrolment-code.ts";
import { serializeError } from "../logger.ts";

const CHARACTERS = 100_000;
const LIMIT_MS = 150;
const VALUES_MAX = 1_000_000;
/** Parts that make patterns with two ways to go try both, again and again. */
const PARTS = [
  ...'/ @ : :/ a@ a: a- a.a- - [ [[ ]: :: , ,- 1 1. 1e 0.0 0 \\ \\\\ \\u \\ud8 " \\" ? # %3f %25 wharf_ wharf_read_ a://'.split(
    " ",
  ),
  " ",
  ",  ",
  ": -",
  "\n",
  '"remote":"',
  '"remote" : "\\"',
  "https://u:p@",
];

function* evilTexts(): Generator<string> {
  for (const start of ["", "[", '{"a":', "wharf_read_", "https://", '"remote":"'])
    for (const part of PARTS)
      for (const end of ["", "!", '"']) yield start + part.repeat(Math.ceil(CHARACTERS / part.length)) + end;
}

function parsed(text: string): unknown {
  try {
    return parseReceivedJson(text, VALUES_MAX);
  } catch (error) {
    return error;
  }
}

describe("no text of 100,000 characters is read in more than linear time", () => {
  test.each<[string, (text: string) => unknown]>([
    ["the parser of bodies", parsed],
    [
      "what is kept of a rejected event",
      (text) => keptBody({ workspace_id: text, data: { remote: text, text } }),
    ],
    ["what is kept of an unreadable line", keptUnreadable],
    ["the search for characters that cannot be stored", storableJsonText],
    ["the logged path", loggedPath],
    ["the search for keys", withoutKeys],
    ["the log of an error", (text) => serializeError(new Error(text))],
    ["the address of a client", networkOf],
    ["an enrolment code", hashOfTypedCode],
  ])("%s", (_, read) => {
    const isSlow = (text: string) => {
      const startedAt = performance.now();
      read(text);
      return performance.now() - startedAt > LIMIT_MS;
    };
    // Three times, since once may be a pause of the machine.
    const slow = [...evilTexts()].filter((text) => isSlow(text) && isSlow(text) && isSlow(text));
    expect(slow.map((text) => text.slice(0, 20))).toEqual([]);
  });
});
