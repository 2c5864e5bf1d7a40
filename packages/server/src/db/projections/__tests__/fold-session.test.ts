import { describe, expect, test } from "bun:test";
import { LIFECYCLES, UNASSOCIATED_WORKSPACE } from "@wharf/protocol";
import fc from "fast-check";
import { foldSession } from "../fold-session.ts";
import type { Statement } from "../session-statement.ts";
import { anyStatement, minute, placeOf, statement } from "./session-statements.ts";

const owner = "laptop";
const columnsOf = (...statements: Statement[]) =>
  foldSession({ owner, lifecycle: "detected", statements })?.columns ?? null;

const start = (at: number, fields: Partial<Statement> = {}) =>
  statement({ kind: "start", at_us: minute(at), event_id: `start ${at}`, source: "startup", ...fields });
const end = (at: number, fields: Partial<Statement> = {}) =>
  statement({ kind: "end", at_us: minute(at), ended_us: minute(at), event_id: `end ${at}`, ...fields });
const event = (at: number, fields: Partial<Statement> = {}) =>
  statement({ kind: "event", at_us: minute(at), event_id: `event ${at}`, ...fields });
const report = (at: number, fields: Partial<Statement> = {}) =>
  statement({ kind: "report", at_us: minute(at), ...fields });
const backfill = (at: number, fields: Partial<Statement> = {}) =>
  statement({ kind: "backfill", at_us: minute(at), ...fields });

const history = fc.array(anyStatement, { maxLength: 12 });
const lifecycle = fc.constantFrom(...LIFECYCLES);

describe("a session's columns", () => {
  test("do not depend on the order of statements, nor on repeats", () => {
    const shuffled = history.chain((said) =>
      fc.tuple(fc.constant(said), fc.shuffledSubarray([...said, ...said], { minLength: said.length * 2 })),
    );
    fc.assert(
      fc.property(shuffled, lifecycle, ([said, again], lifecycle) => {
        const columns = foldSession({ owner, lifecycle, statements: again })?.columns;
        expect(columns).toEqual(foldSession({ owner, lifecycle, statements: said })?.columns);
      }),
      { numRuns: 2_000 },
    );
  });

  test("do not depend on how statements are grouped when only those that stand are kept", () => {
    fc.assert(
      fc.property(fc.array(history, { maxLength: 4 }), (groups) => {
        let kept: Statement[] = [];
        for (const group of groups) {
          const statements = [...kept, ...group];
          kept = [...(foldSession({ owner, lifecycle: "detected", statements })?.standing ?? statements)];
        }
        expect(columnsOf(...kept)).toEqual(columnsOf(...groups.flat()));
      }),
      { numRuns: 2_000 },
    );
  });

  test("keep a statement by which more than transcripts are known, even where it decides nothing else", () => {
    const transcript = statement({ kind: "transcript", at_us: minute(0), ended_us: minute(1) });
    const said = [transcript, end(1)];
    const standing = foldSession({ owner, lifecycle: "detected", statements: said })?.standing ?? [];
    expect(columnsOf(...standing)).toEqual(columnsOf(...said));
  });

  test("have the prompt of a transcript or report before that of an event", () => {
    const heard = event(1, { initial_prompt: "Fix the" });
    const transcript = statement({ kind: "transcript", at_us: minute(2), initial_prompt: "Fix the tests" });
    expect(columnsOf(heard)).toMatchObject({ initial_prompt: "Fix the" });
    expect(columnsOf(heard, transcript)).toMatchObject({ initial_prompt: "Fix the tests" });
    expect(columnsOf(heard, report(3, { initial_prompt: "Fix" }))).toMatchObject({ initial_prompt: "Fix" });
  });

  test("stay the same when the fold is repeated on its own lifecycle", () => {
    fc.assert(
      fc.property(history, lifecycle, (statements, lifecycle) => {
        const once = foldSession({ owner, lifecycle, statements })?.columns;
        const next = once?.lifecycle ?? lifecycle;
        expect(foldSession({ owner, lifecycle: next, statements })?.columns).toEqual(once);
      }),
      { numRuns: 1_000 },
    );
  });

  test("keep few statements, however many there are", () => {
    const statements = fc.sample(anyStatement, { numRuns: 5_000, seed: 1 });
    expect(foldSession({ owner, lifecycle: "detected", statements })?.standing.size).toBeLessThan(20);
  });

  test("are unknown while no statement names a workspace and a device", () => {
    expect(columnsOf()).toBeNull();
    expect(columnsOf(end(5, { place: null }))).toBeNull();
  });
});

describe("a session begins", () => {
  const elsewhere = placeOf("github.com/acme/other");

  test("as a stub with its earliest event", () => {
    expect(columnsOf(event(5), event(3, { place: elsewhere }))).toMatchObject({
      lifecycle: "detected",
      started_us: minute(3),
      start_reported_us: null,
      workspace_id: elsewhere.workspace_id,
    });
  });

  test("with its earliest start or report, also when an event was earlier", () => {
    const expected = {
      lifecycle: "capturing",
      started_us: minute(2),
      start_reported_us: minute(2),
      workspace_id: placeOf("github.com/acme/widgets").workspace_id,
    };
    expect(columnsOf(event(1, { place: elsewhere }), start(9, { place: elsewhere }), start(2))).toMatchObject(
      expected,
    );
    expect(columnsOf(start(9, { place: elsewhere }), report(2))).toMatchObject(expected);
  });

  test("with a backfill only where neither start nor report is known", () => {
    expect(columnsOf(backfill(-60), start(0))).toMatchObject({ started_us: minute(0) });
    expect(columnsOf(backfill(-60, { place: elsewhere }), event(0))).toMatchObject({
      started_us: minute(-60),
      start_reported_us: minute(-60),
      workspace_id: placeOf("github.com/acme/widgets").workspace_id,
    });
  });

  test("in the workspace of a backfill where no other is known", () => {
    const nowhere = placeOf(UNASSOCIATED_WORKSPACE);
    const found = { workspace_id: elsewhere.workspace_id };
    expect(columnsOf(backfill(0, { place: elsewhere }), event(1, { place: nowhere }))).toMatchObject(found);
    expect(columnsOf(backfill(0, { place: nowhere }), backfill(9, { place: elsewhere }))).toMatchObject(
      found,
    );
    expect(columnsOf(backfill(0, { place: nowhere }))).toMatchObject({ workspace_id: nowhere.workspace_id });
  });
});

describe("a session ends", () => {
  test("with the latest end, independent of backfills", () => {
    const said = [
      start(0),
      end(20, { end_reason: "logout", duration_ms: 7 }),
      end(10),
      backfill(0, { ended_us: minute(90) }),
    ];
    expect(columnsOf(...said)).toMatchObject({
      lifecycle: "ended",
      ended_us: minute(20),
      end_reason: "logout",
      duration_ms: 7,
    });
  });

  test("with a backfill's end where there is no other", () => {
    expect(columnsOf(start(0), backfill(0, { ended_us: minute(9) }))).toMatchObject({ ended_us: minute(9) });
  });

  test("unless a later resume is known; one at the same instant leaves it closed", () => {
    const resume = (at: number) => start(at, { source: "resume" });
    const open = {
      lifecycle: "capturing",
      ended_us: null,
      end_reason: null,
      duration_ms: null,
      resumed_us: minute(20),
    };
    expect(columnsOf(start(0), end(10, { end_reason: "exit" }), resume(20))).toMatchObject(open);
    expect(columnsOf(start(0), end(20), resume(20))).toMatchObject({ ended_us: minute(20) });
    expect(columnsOf(start(0), end(30), resume(20))).toMatchObject({
      ended_us: minute(30),
      lifecycle: "ended",
    });
  });

  test("after the time between start and end where no duration was reported", () => {
    expect(columnsOf(start(1), end(10, { duration_ms: 0 }))).toMatchObject({ duration_ms: 540_000 });
    expect(columnsOf(event(1), end(10, { duration_ms: 0 }))).toMatchObject({ duration_ms: 0 });
    expect(columnsOf(event(1), end(10))).toMatchObject({ duration_ms: 540_000 });
    expect(columnsOf(start(10), end(1))).toMatchObject({ duration_ms: 0 });
    expect(columnsOf(start(0, { at_us: 500 }), end(0, { ended_us: 2_000 }))).toMatchObject({
      duration_ms: 2,
    });
  });
});

describe("a session's values", () => {
  test("come from the earliest start or report, else from an end, else from a backfill", () => {
    const said = [
      backfill(-9, { model: "b", git_branch: "b", initial_prompt: "b" }),
      end(-5, { model: "e", git_branch: "e" }),
      start(3, { model: "late" }),
      report(2, { model: "r" }),
    ];
    expect(columnsOf(...said)).toMatchObject({ model: "r", git_branch: "e", initial_prompt: "b" });
  });

  test("of two reports with one start are the smaller ones, field by field", () => {
    const said = [report(0, { model: "b", git_branch: "x" }), report(0, { model: "a", git_branch: "y" })];
    expect(columnsOf(...said)).toMatchObject({ model: "a", git_branch: "x" });
  });

  test("in metadata are chosen by key; the transcript's path is the latest", () => {
    const said = [
      start(0, { metadata: { cwd: '"/a"', transcript_path: '"/1"' } }),
      end(9, { metadata: { cwd: '"/b"', transcript_path: '"/2"' } }),
      report(-1, { metadata: { k: "12345678901234567890", transcript_path: '"/0"' } }),
    ];
    expect(columnsOf(...said)?.metadata).toEqual({
      cwd: '"/a"',
      k: "12345678901234567890",
      transcript_path: '"/2"',
    });
  });

  test("may have any key", () => {
    const metadata = JSON.parse('{"__proto__": "1", "constructor": "2"}');
    expect(Object.entries(columnsOf(report(0, { metadata }))?.metadata ?? {})).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });
});

describe("a session's lifecycle", () => {
  test.each([
    ["detected", [start(0)], "capturing"],
    ["capturing", [start(0), end(1)], "ended"],
    ["ended", [start(0)], "capturing"],
    ["ended", [event(0)], "detected"],
    ["parsed", [start(0), end(1)], "parsed"],
    ["summarized", [start(0), end(1)], "summarized"],
    ["archived", [start(0), end(1), start(2, { source: "resume" })], "capturing"],
    ["failed", [start(0), end(1)], "failed"],
    ["failed", [start(0)], "failed"],
  ] as const)("goes from %s on %# to what is known", (lifecycle, statements, next) => {
    expect(foldSession({ owner, lifecycle, statements })?.columns.lifecycle).toBe(next);
  });
});

describe("statements of a device that does not own the session", () => {
  const place = placeOf("github.com/acme/other", "server");
  const metadata = { cwd: '"/other"', transcript_path: '"/other"' };

  test("change no column", () => {
    fc.assert(
      fc.property(history, lifecycle, (statements, lifecycle) => {
        const own = statements.filter((said) => said.place?.device_id === owner);
        expect(foldSession({ owner, lifecycle, statements })).toEqual(
          foldSession({ owner, lifecycle, statements: own }),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ["a start", start(-9, { place, model: "other", metadata })],
    ["a resume", start(90, { place, source: "resume", metadata })],
    ["an end", end(90, { place, end_reason: "crash", metadata })],
    ["an event", event(-9, { place })],
    ["a report", report(-9, { place, initial_prompt: "other", metadata })],
    ["a backfill", backfill(-9, { place, git_branch: "other", metadata })],
  ])("neither begin, move nor end it: %s", (_, other) => {
    const known = [start(0), end(5)];
    expect(columnsOf(...known, other)).toEqual(columnsOf(...known));
    expect(columnsOf(event(0), other)).toEqual(columnsOf(event(0)));
    expect(columnsOf(other)).toBeNull();
  });
});
