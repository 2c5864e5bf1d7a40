import { UNASSOCIATED_WORKSPACE } from "@wharf/protocol";
import fc from "fast-check";
import type { Statement } from "../session-statement.ts";

const MINUTE_US = 60_000_000;

/** Minutes after the epoch, in microseconds. */
export const minute = (minutes: number) => minutes * MINUTE_US;

/** A statement that says nothing but what `fields` hold. */
export function statement(fields: Partial<Statement>): Statement {
  return {
    report_id: null,
    kind: "event",
    at_us: minute(0),
    event_id: "",
    place: placeOf("github.com/acme/widgets"),
    ended_us: null,
    end_reason: null,
    duration_ms: null,
    git_branch: null,
    model: null,
    agent: null,
    source: null,
    initial_prompt: null,
    metadata: {},
    ...fields,
  };
}

export function placeOf(canonical_id: string, device_id = "laptop") {
  return { canonical_id, device_id, workspace_id: `id of ${canonical_id}` };
}

const maybe = (...values: string[]) => fc.option(fc.constantFrom(...values), { freq: 2 });

/** Few values and few minutes, so that statements contradict each other and happen at one instant. */
export const anyStatement: fc.Arbitrary<Statement> = fc
  .record({
    kind: fc.constantFrom<Statement["kind"][]>("start", "report", "end", "event", "backfill", "transcript"),
    at: fc.integer({ min: 0, max: 6 }),
    lasts: fc.option(fc.integer({ min: 0, max: 6 })),
    event_id: fc.constantFrom("A", "B", "C"),
    place: fc
      .tuple(
        fc.constantFrom("github.com/acme/one", "github.com/acme/two", UNASSOCIATED_WORKSPACE),
        fc.constantFrom("laptop", "server"),
      )
      .map((parts) => placeOf(...parts)),
    end_reason: maybe("exit", "crash"),
    duration_ms: fc.option(fc.constantFrom(0, 7, 8)),
    git_branch: maybe("main", "dev"),
    model: maybe("large", "small"),
    agent: maybe("codex", "opencode"),
    source: maybe("startup", "resume"),
    initial_prompt: maybe("do it", "do that"),
    metadata: fc.dictionary(fc.constantFrom("k", "cwd", "transcript_path"), fc.constantFrom('"1"', "2")),
  })
  .map(({ kind, at, lasts, ...said }) => {
    const at_us = minute(at);
    if (kind === "event") return statement({ kind, at_us, event_id: said.event_id, place: said.place });
    if (kind === "end") return statement({ ...said, kind, at_us, ended_us: at_us, source: null });
    if (kind === "start") return statement({ ...said, kind, at_us, initial_prompt: null });
    const ended_us = lasts === null ? null : minute(at + lasts);
    return statement({ ...said, kind, at_us, event_id: "", ended_us });
  });
