import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { commit, end, start, toolUse } from "../../ingest/__tests__/event-factory.ts";

const server = setupApp();

const ELSEWHERE = { device_id: "desktop", workspace_id: "github.com/acme/gadgets" };

/** As clients do it: the answer is all that they wait for. */
function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const { app } = server.current();
  return Promise.resolve(
    app.request(path, {
      method,
      headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
}

const post = (...events: unknown[]) => ask("POST", "/api/events", { events });

/** Keeps everybody else from writing the session's row until `release` is called. */
async function whileLocked(sessionId: string, work: (release: () => void) => Promise<void>): Promise<void> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: lock } = Promise.withResolvers<void>();
  const holding = server.sql.begin(async (sql) => {
    await sql`SELECT FROM sessions WHERE id = ${sessionId} FOR UPDATE`;
    lock();
    await released;
  });
  await locked;
  await work(release).finally(release);
  await holding;
}

test("events are answered when they are stored, and later reads include their effects", async () => {
  await post(start("s1", 0), start("s2", 0, {}, ELSEWHERE));
  expect((await ask("GET", "/api/sessions/s1")).status).toBe(200);
  await whileLocked("s1", async (release) => {
    const answer = await post(end("s1", 9), commit(1));
    expect(answer.status).toBe(202);
    expect((await post(toolUse("s1", 2))).status).toBe(202);
    let answered = 0;
    const reads = [
      "/api/sessions/s1",
      "/api/sessions?device_id=laptop",
      "/api/sessions/s1/git",
      "/api/timeline",
    ].map(async (path) => {
      const response = await ask("GET", path);
      answered += 1;
      return await response.json();
    });
    expect((await ask("GET", "/api/ingest/health")).status).toBe(200);
    // Reads of what is not being projected.
    for (const path of ["/api/sessions/s2", "/api/devices/desktop", "/api/sessions?device_id=desktop"])
      expect((await ask("GET", path)).status).toBe(200);
    expect(answered).toBe(0);
    release();
    const [session, sessions, git] = await Promise.all(reads);
    expect(session).toMatchObject({ session: { lifecycle: "ended" } });
    expect(sessions).toMatchObject({ sessions: [{ id: "s1", lifecycle: "ended" }] });
    expect(git).toMatchObject({ git_activity: [{ session_match: "possible" }] });
  });
});

test("each of many devices that send at once sees its own session as it has just said", async () => {
  const expectLifecycle = async (id: string, lifecycle: string) => {
    const answer = await (await ask("GET", `/api/sessions/${id}`)).json();
    expect(answer).toMatchObject({ session: { lifecycle } });
  };
  const one = async (device: number) => {
    for (let n = 0; n < 5; n++) {
      const id = `s${device}-${n}`;
      await post(toolUse(id, 1), start(id, 0));
      await expectLifecycle(id, "capturing");
      await post(end(id, 9));
      await expectLifecycle(id, "ended");
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, device) => one(device)));
});
