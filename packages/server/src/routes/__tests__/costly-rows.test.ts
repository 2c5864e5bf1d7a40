import { expect, spyOn, test } from "bun:test";
import { event, ingest, sessionStart } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { mayHoldStoredJson } from "../../json/stored-json.ts";

const server = setupApp();
const EXACT = "12345678901234567890";
/** Parsed, it would take 50 MB. */
const COSTLY = { x: Array(6_500).fill({ "999": 0 }), text: 'a "quoted" \\ text', exact: "EXACT" };
const COSTLY_JSON = JSON.stringify(COSTLY).replace('"EXACT"', EXACT);

/** The longest text that JSON.parse was given while the path was read. */
async function read(path: string) {
  const parse = spyOn(JSON, "parse");
  const response = await server.current().app.request(path, {
    headers: { authorization: `Bearer ${server.key}` },
  });
  const longestObject = Math.max(
    0,
    ...parse.mock.calls.map(([text]) => (text.startsWith("{") ? text.length : 0)),
  );
  parse.mockRestore();
  return { status: response.status, text: await response.text(), longestObject };
}

test("stored JSON whose keys are array indexes is read without being parsed, and comes as it is", async () => {
  await ingest(server, [sessionStart("s1"), event({ session_id: "s1" }), sessionStart("s2")]);
  await server.sql.unsafe(`UPDATE sessions SET metadata = $1::text::jsonb WHERE id = 's1'`, [COSTLY_JSON]);
  await server.sql.unsafe(`UPDATE events SET data = $1::text::jsonb WHERE session_id = 's1'`, [COSTLY_JSON]);
  for (const path of ["/api/sessions", "/api/sessions/s1", "/api/sessions/s1/events", "/api/timeline"]) {
    const { status, text, longestObject } = await read(path);
    expect(status).toBe(200);
    expect(longestObject).toBeLessThan(1_000);
    expect(text).toContain(EXACT);
    expect(text).toContain(String.raw`a \"quoted\" \\ text`);
    expect(text).not.toContain("stored-json:");
    expect(() => JSON.parse(text)).not.toThrow();
  }
  const { sessions } = JSON.parse((await read("/api/sessions")).text);
  const found = sessions.find(({ id }: { id: string }) => id === "s1");
  expect(found.metadata).toEqual({ ...COSTLY, exact: Number(EXACT) });
  expect(sessions).toHaveLength(2);
  expect(mayHoldStoredJson()).toBe(false);
});
