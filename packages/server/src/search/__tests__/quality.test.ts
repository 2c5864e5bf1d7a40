import { expect, test } from "bun:test";
import { useTestDatabase } from "@wharf/testkit";
import { openConnection } from "../../db/connection.ts";
import { openDatabase } from "../../db/database.ts";
import { migratePhases } from "../../db/phases.ts";
import { createSearch } from "../create-search.ts";
import { indexSessions } from "../index-sessions.ts";
import { generateSessions } from "./corpus/generate-sessions.ts";
import { INCIDENTS } from "./corpus/incidents.ts";
import { storeSessions } from "./corpus/store-sessions.ts";

const database = useTestDatabase({ migrate: migratePhases });

test("finds the right session among the first for most questions in other words", async () => {
  const sessions = [...generateSessions({ sessions: 600, messages: 12 })];
  const connection = openConnection(database.sql);
  await storeSessions(connection.query, sessions);
  await connection.close();
  const reads = openDatabase(database.url, { deadlineMs: 60_000, wireTypes: true });
  await indexSessions(reads);
  await database.sql`ANALYZE search_documents`;
  const search = createSearch({ reads });
  const places: number[] = [];
  for (const { id, incident } of sessions) {
    if (incident === null) continue;
    const { results } = await search.page(INCIDENTS[incident]?.question ?? "", 50, []);
    places.push(results.findIndex(({ session }) => session.id === id));
  }
  await reads.close();
  const hits = (first: number) => places.filter((place) => place >= 0 && place < first).length;
  expect(places.length).toBe(100);
  expect(hits(1)).toBeGreaterThanOrEqual(50);
  expect(hits(5)).toBeGreaterThanOrEqual(70);
  expect(hits(50)).toBeGreaterThanOrEqual(85);
});
