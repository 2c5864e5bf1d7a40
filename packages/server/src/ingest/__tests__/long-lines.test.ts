import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { SEARCHED_CHARACTERS_MAX } from "../kept-body.ts";
import { anEvent } from "./event-factory.ts";

const server = setupApp();

test("of a line that is too long to be searched for credentials nothing is kept", async () => {
  const damaged = Buffer.alloc(SEARCHED_CHARACTERS_MAX + 1, 0xff);
  const unparsable = `https://me:${"hunter2".repeat(SEARCHED_CHARACTERS_MAX / 7 + 1)}@host`;
  const body = Buffer.concat([
    Buffer.from(`${unparsable}\n${JSON.stringify(anEvent())}\n`),
    damaged,
    Buffer.from("\n{"),
  ]);
  const response = await server.current().app.request("/api/events", {
    method: "POST",
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/x-ndjson" },
    body,
  });
  expect(await response.json()).toMatchObject({ ingested: 1, rejected: 3 });
  const notes = await server.sql<{ body: string | null }[]>`SELECT body FROM ingest_notes ORDER BY id`;
  expect(notes.map((note) => note.body ?? "")).toEqual(["", "", "{"]);
});
