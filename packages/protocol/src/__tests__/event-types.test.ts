import { expect, test } from "bun:test";
import {
  changesNamedDevice,
  derivationsOf,
  EVENT_TYPES,
  isKnownEventType,
  sessionFieldOf,
  typesDeriving,
} from "../event-types.ts";
import { payloadSchemas } from "../payloads.ts";
import { GIT_ACTIVITY_TYPES } from "../resources/git-activity.ts";

test("every known event type has a payload schema", () => {
  expect<string[]>(EVENT_TYPES).toEqual(Object.keys(payloadSchemas));
});

test("git activity is derived from each of its types", () => {
  expect<string[]>(typesDeriving("git")).toEqual(GIT_ACTIVITY_TYPES.map((type) => `git.${type}`));
});

test("nothing is derived from a type that is unknown, or that only an object's prototype has", () => {
  for (const type of ["git.stash", "session.started", "toString", "__proto__", ""]) {
    expect(isKnownEventType(type)).toBe(false);
    expect(derivationsOf(type)).toEqual([]);
  }
});

test("a type that is not known yet names its session as the others of its kind do", () => {
  expect(sessionFieldOf("session.renamed")).toBe("cc_session_id");
  expect(sessionFieldOf("worktree.moved")).toBe("session_id");
  expect(sessionFieldOf("git.commit")).toBeUndefined();
  expect(changesNamedDevice("remote.resize")).toBe(true);
  expect(changesNamedDevice("remotely.near")).toBe(false);
});
