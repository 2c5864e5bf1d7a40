import { describe, expect, test } from "bun:test";
import { backfillSessionSchema, sessionReportSchema, TAG_CHARACTERS_MAX, TAGS_MAX } from "../session.ts";

const report = {
  id: "s1",
  workspace_id: "github.com/u/r",
  device_id: "d1",
  started_at: "2026-11-22T10:00:00Z",
};
const backfill = {
  session_id: "s1",
  workspace_canonical_id: "github.com/u/r",
  device_id: "d1",
  started_at: "2026-11-22T10:00:00Z",
};

describe("a reported session", () => {
  const accepts = (fields: object) => sessionReportSchema.safeParse({ ...report, ...fields }).success;

  test.each([
    ["the fewest fields", {}],
    ["its workspace by canonical id", { workspace_id: undefined, workspace_canonical_id: "github.com/u/r" }],
    [
      "an end, a reason and a duration",
      { ended_at: "2026-11-22T11:00:00+01:00", end_reason: "exit", duration_ms: 0 },
    ],
    [
      "nulls where a value may be missing",
      { ended_at: null, cwd: null, git_branch: null, model: null, source: null, device_type: null },
    ],
    ["tags and metadata", { tags: ["a", "b"], metadata: { any: [1] } }],
    [
      "the most tags, each of the most characters",
      { tags: Array(TAGS_MAX).fill("t".repeat(TAG_CHARACTERS_MAX)) },
    ],
    ["a key that is not known", { later: 1 }],
  ])("is accepted with %s", (_, fields) => {
    expect(accepts(fields)).toBe(true);
  });

  test.each([
    ["no id", { id: undefined }],
    ["no workspace", { workspace_id: undefined }],
    ["no device", { device_id: undefined }],
    ["no start", { started_at: undefined }],
    ["a start that is no time", { started_at: "yesterday" }],
    ["an end in 2100", { ended_at: "2100-01-01T00:00:00Z" }],
    ["a negative duration", { duration_ms: -1 }],
    ["an empty tag", { tags: [""] }],
    ["a tag of too many characters", { tags: ["t".repeat(TAG_CHARACTERS_MAX + 1)] }],
    ["too many tags", { tags: Array(TAGS_MAX + 1).fill("t") }],
    ["metadata that is a list", { metadata: [] }],
    ["a device type that is not known", { device_type: "toaster" }],
    [
      "metadata of too many keys",
      {
        metadata: Object.fromEntries(
          Array(201)
            .fill(0)
            .map((_, at) => [at, 1]),
        ),
      },
    ],
    ["metadata too large", { metadata: { a: "x".repeat(64 * 1024) } }],
    ["a path too long", { cwd: "/".repeat(4097) }],
    ["a branch too long", { git_branch: "b".repeat(4097) }],
    ["a model too long", { model: "m".repeat(4097) }],
    ["a prompt too long", { initial_prompt: "p".repeat(64 * 1024 + 1) }],
    ["a time at an offset that no place has", { started_at: "2026-11-22T10:00:00+16:00" }],
    ["a time of too many decimals", { started_at: `2026-11-22T10:00:00.${"1".repeat(200)}Z` }],
    ["an id of 201 characters", { id: "s".repeat(201) }],
  ])("is refused with %s", (_, fields) => {
    expect(accepts(fields)).toBe(false);
  });
});

describe("a session found in a device's transcripts", () => {
  const accepts = (fields: object) => backfillSessionSchema.safeParse({ ...backfill, ...fields }).success;

  test("is accepted with the fewest fields, and with all", () => {
    expect(accepts({})).toBe(true);
    expect(
      accepts({
        device_name: "n",
        device_type: "remote",
        ended_at: "2026-11-22T11:00:00Z",
        duration_ms: 1,
        cwd: "/r",
        git_branch: "b",
        source: "backfill",
        is_live: true,
      }),
    ).toBe(true);
  });

  test.each(["session_id", "workspace_canonical_id", "device_id", "started_at"])(
    "is refused without %s",
    (field) => {
      expect(accepts({ [field]: undefined })).toBe(false);
    },
  );
});
