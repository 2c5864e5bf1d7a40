import { describe, expect, test } from "bun:test";
import {
  METADATA_CHARACTERS_MAX,
  METADATA_KEYS_MAX,
  REPORT_TEXT_CHARACTERS_MAX,
  TAGS_MAX,
} from "@wharf/protocol";
import { at, ingest, sessionStart } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();

const report = async (fields: object) =>
  await server.request("POST", "/api/sessions", {
    id: "one",
    workspace_canonical_id: "github.com/acme/widgets",
    device_id: "laptop",
    started_at: at(0),
    ...fields,
  });
const tags = (from: number, count: number) => Array.from({ length: count }, (_, n) => `tag-${from + n}`);
const keys = (from: number, count: number, value = 1) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`key-${from + n}`, value]));
const current = async () => (await server.request("GET", "/api/sessions/one")).body.session;

describe("the limits of a report hold for the session that it is merged into", () => {
  test("a report whose tags exceed the session's limit is rejected and stores nothing", async () => {
    expect((await report({ tags: tags(0, TAGS_MAX - 1) })).status).toBe(201);
    const { status, body } = await report({ tags: tags(TAGS_MAX, 2), ended_at: at(9) });
    expect([status, body.code, body.errors[0].pointer]).toEqual([400, "VALIDATION_FAILED", "/tags"]);
    expect(body.detail).toContain("exceed 100 tags");
    expect(await current()).toMatchObject({ ended_at: null, tags: tags(0, TAGS_MAX - 1).toSorted() });
    expect((await report({ tags: tags(0, TAGS_MAX), ended_at: at(9) })).status).toBe(200);
    expect((await current()).tags).toHaveLength(TAGS_MAX);
  });

  test("metadata is bounded by its keys and by its characters", async () => {
    expect((await report({ metadata: keys(0, METADATA_KEYS_MAX), cwd: "/repo" })).status).toBe(201);
    const more = await report({ metadata: keys(METADATA_KEYS_MAX, 1) });
    expect([more.status, more.body.errors[0].pointer]).toEqual([400, "/metadata"]);
    expect((await report({ metadata: keys(0, METADATA_KEYS_MAX), cwd: "/repo" })).status).toBe(200);
    const text = "x".repeat(METADATA_CHARACTERS_MAX - 2_000);
    const large = await report({ metadata: { "key-0": text }, started_at: at(-1) });
    expect([large.status, large.body.errors[0].pointer]).toEqual([400, "/metadata"]);
    expect(Object.keys((await current()).metadata)).toHaveLength(METADATA_KEYS_MAX + 1);
  });

  test("reports that come at once do not exceed them together", async () => {
    await report({});
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => report({ tags: tags(n * 30, 30) })),
    );
    const taken = answers.filter(({ status }) => status === 200);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(8 - taken.length);
    expect(taken).toHaveLength(3);
    expect((await current()).tags).toHaveLength(90);
  });

  test("a session that has more already is still reported, patched and backfilled, and only shrinks", async () => {
    await report({});
    const many = tags(0, 250);
    await server.sql`UPDATE session_reports SET metadata = ${server.sql.json(keys(0, 500))}`;
    await server.sql`UPDATE sessions SET tags = ${many}, metadata = ${server.sql.json(keys(0, 500))}`;
    expect((await server.request("PATCH", "/api/sessions/one", { summary: "Done." })).status).toBe(200);
    const patched = await server.request("PATCH", "/api/sessions/one", { remove_tags: ["tag-7"] });
    expect(patched.body.session.tags).toHaveLength(249);
    const swapped = { add_tags: ["new"], remove_tags: ["tag-8"] };
    expect((await server.request("PATCH", "/api/sessions/one", swapped)).status).toBe(200);
    expect((await server.request("PATCH", "/api/sessions/one", { add_tags: ["a"] })).status).toBe(400);
    expect((await report({ tags: ["tag-1"], metadata: { "key-3": 2 }, ended_at: at(9) })).status).toBe(200);
    expect((await report({ metadata: { other: 1 } })).status).toBe(400);
    const backfill = {
      session_id: "one",
      workspace_canonical_id: "github.com/acme/widgets",
      device_id: "laptop",
    };
    const found = await server.request("POST", "/api/backfill/sessions", {
      ...backfill,
      started_at: at(0),
      cwd: "/x",
    });
    expect(found.status).toBe(200);
  });

  test("texts of events are kept in the session as long as in a report; the event has all of them", async () => {
    const long = "d".repeat(REPORT_TEXT_CHARACTERS_MAX * 10);
    const event = sessionStart("one", { timestamp: at(0) });
    Object.assign(event.data, { cwd: `/${long}`, git_branch: long, model: long });
    await ingest(server, [event]);
    const { metadata, git_branch, model } = await current();
    expect([metadata.cwd.length, git_branch.length, model.length]).toEqual(
      Array(3).fill(REPORT_TEXT_CHARACTERS_MAX),
    );
    const [stored] = await server.sql`SELECT data FROM events`;
    expect(stored?.["data"].cwd).toBe(`/${long}`);
  });
});
