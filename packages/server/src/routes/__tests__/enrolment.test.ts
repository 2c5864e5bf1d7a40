import { describe, expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { createMarker, SECRET_RULES } from "@wharf/redaction";
import { setupApp, type TestResponse } from "../../__tests__/setup-app.ts";

const server = setupApp({ environment: { WHARF_TRUSTED_PROXIES: "1" } });

const WRONG_CODE = "AAAA-AAAA-AAAA";

let addresses = 0;

/** Without a key. Each call comes from an address of its own unless it names one. */
function enrol(body: unknown, address = `10.0.0.${++addresses}`): Promise<TestResponse> {
  return server.request("POST", "/api/devices/enrol", body, {
    authorization: "",
    "x-forwarded-for": address,
  });
}

async function newCode(body?: unknown): Promise<string> {
  const answer = await server.request("POST", "/api/devices/enrolment-codes", body);
  expect(answer.status).toBe(201);
  return answer.body.code;
}

const eventOf = (device_id: string) => ({
  id: createUlid(),
  type: "system.heartbeat",
  timestamp: new Date().toISOString(),
  device_id,
  workspace_id: "github.com/a/b",
  data: {},
});

describe("joining with a code", () => {
  test("a code makes a device and a key that writes as that device and nothing else", async () => {
    const { status, body } = await enrol({
      code: await newCode(),
      name: "laptop",
      type: "remote",
      os: "linux",
    });
    expect(status).toBe(201);
    expect(body.device).toMatchObject({ name: "laptop", type: "remote", os: "linux", status: "online" });
    expect(body.key).toMatch(/^wharf_ingest_/);
    const authorization = `Bearer ${body.key}`;
    const events = [eventOf(body.device.id), eventOf("another")];
    const sent = await server.request("POST", "/api/events", { events }, { authorization });
    expect(sent.body.results.map((result: { status: string }) => result.status)).toEqual([
      "accepted",
      "rejected",
    ]);
    expect((await server.request("GET", "/api/keys", undefined, { authorization })).status).toBe(403);
  });

  test("a code works once, also when it is used twice at the same time", async () => {
    const code = await newCode();
    const answers = await Promise.all([1, 2, 3].map(() => enrol({ code })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 401, 401]);
    const [row] =
      await server.sql`SELECT (SELECT count(*) FROM devices)::int AS devices, (SELECT count(*) FROM api_keys)::int AS keys`;
    expect(row).toEqual({ devices: 1, keys: 2 });
  });

  test("the device gets a key that reads everything and writes nothing, unless the code was made without", async () => {
    const { body } = await enrol({ code: await newCode() });
    expect(body.read_key).toMatch(/^wharf_read_/);
    const authorization = `Bearer ${body.read_key}`;
    expect((await server.request("GET", "/api/sessions", undefined, { authorization })).status).toBe(200);
    const events = [eventOf(body.device.id)];
    expect((await server.request("POST", "/api/events", { events }, { authorization })).status).toBe(403);
    const silent = await enrol({ code: await newCode({ read: false }) });
    expect(silent.status).toBe(201);
    expect(silent.body).not.toHaveProperty("read_key");
    const keys = await server.sql`SELECT scope FROM api_keys WHERE device_id = ${silent.body.device.id}`;
    expect(keys.map((key) => key["scope"])).toEqual(["ingest"]);
  });

  test("each device gets the same redaction secret, with which it makes the server's markers", async () => {
    const [one, other] = [await enrol({ code: await newCode() }), await enrol({ code: await newCode() })];
    expect(one.body.redaction_secret).toMatch(/^[0-9a-f]{64}$/);
    expect(other.body.redaction_secret).toBe(one.body.redaction_secret);
    const secret = SECRET_RULES.find(({ id }) => id === "npm-token")?.example_parts.join("") ?? "";
    const event = { ...eventOf("laptop"), data: { text: secret } };
    await server.request("POST", "/api/events", { events: [event] });
    const [row] = await server.sql`SELECT data->>'text' AS text FROM events`;
    const mark = createMarker(one.body.redaction_secret);
    expect(row?.["text"]).toBe(mark("npm-token", secret));
  });

  test("a code comes with the line to paste, which names the server as the request does", async () => {
    const lineOf = async (headers: Record<string, string>) => {
      const { body } = await server.request("POST", "/api/devices/enrolment-codes", {}, headers);
      return body.line.replace(body.code, "CODE");
    };
    expect(await lineOf({})).toBe("curl -fsS http://localhost/install.sh | sh -s -- CODE");
    const https = { "x-forwarded-proto": "https" };
    expect(await lineOf(https)).toBe("curl -fsS https://localhost/install.sh | sh -s -- CODE");
  });

  test("a code expires after ten minutes", async () => {
    const { body } = await server.request("POST", "/api/devices/enrolment-codes");
    expect(Date.parse(body.expires_at) - Date.now()).toBeWithin(9 * 60_000, 10 * 60_000 + 1_000);
    await server.sql`UPDATE enrolment_codes SET expires_at = now()`;
    expect((await enrol({ code: body.code })).status).toBe(401);
  });

  test("a code survives being typed in lower case, without its hyphen and with look-alike letters", async () => {
    const code = await newCode();
    const typed = code.toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l");
    expect((await enrol({ code: typed })).status).toBe(201);
  });

  test("a known device joins again under its id, and keeps its name", async () => {
    await server.sql`INSERT INTO devices (id, name, type) VALUES ('mine', 'my laptop', 'local')`;
    const { body } = await enrol({ code: await newCode({ device_id: "mine" }), hostname: "box" });
    expect(body.device).toMatchObject({ id: "mine", name: "my laptop", hostname: "box" });
    const [key] = await server.sql`SELECT device_id FROM api_keys`;
    expect(key?.["device_id"]).toBe("mine");
  });

  test("an unknown, a used, an expired and a malformed code get the same answer", async () => {
    const used = await newCode();
    await enrol({ code: used });
    const answers = [];
    for (const code of [used, "ZZZZ-ZZZZ-ZZZZ", "what?"]) {
      const { status, body } = await enrol({ code });
      answers.push({ status, code: body.code, detail: body.detail });
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 401, code: "ENROLMENT_CODE_REFUSED" });
  });

  test("only the code's hash is stored, and the audit names the code", async () => {
    const code = await newCode();
    await enrol({ code });
    const rows = await server.sql`SELECT to_jsonb(c) AS row FROM enrolment_codes c`;
    expect(JSON.stringify(rows)).not.toContain(code.replaceAll("-", ""));
    const { body } = await server.request("GET", "/api/keys/audit");
    const enrolled = { action: "enrolled", actor: expect.stringMatching(/^code /) };
    // One for each key.
    expect(body.audit).toMatchObject([enrolled, enrolled, { action: "code_created", actor: "environment" }]);
  });
});

describe("guessing", () => {
  test("after 20 wrong codes a minute the address gets 429 with Retry-After for a wrong code, and 201 for a right one", async () => {
    const address = "192.0.2.1";
    for (let i = 0; i < 20; i++) expect((await enrol({ code: WRONG_CODE }, address)).status).toBe(401);
    for (const code of [WRONG_CODE, "what?"]) {
      const refused = await enrol({ code }, address);
      expect([refused.status, refused.body.code]).toEqual([429, "AUTH_TOO_MANY_FAILURES"]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect((await enrol({ code: await newCode() }, address)).status).toBe(201);
    expect((await enrol({ code: WRONG_CODE }, "192.0.2.2")).status).toBe(401);
  });

  test("of many wrong codes or keys at the same time no more are answered by 401 than one after the other", async () => {
    const codes = await Promise.all(
      Array.from({ length: 60 }, () => enrol({ code: WRONG_CODE }, "192.0.2.20")),
    );
    expect(codes.filter((answer) => answer.status === 401)).toHaveLength(20);
    expect(codes.filter((answer) => answer.status === 429)).toHaveLength(40);
    const guess = (at: number) =>
      server.request("GET", "/api/limits", undefined, {
        "x-forwarded-for": "192.0.2.21",
        authorization: `Bearer wharf_read_${String(at).padStart(43, "g")}`,
      });
    const keys = await Promise.all(Array.from({ length: 60 }, (_, at) => guess(at)));
    expect(keys.filter((answer) => answer.status === 401)).toHaveLength(20);
    expect(keys.filter((answer) => answer.status === 429)).toHaveLength(40);
  });

  test("a valid key that this process has not seen gets in from an address that has failed too often, among guesses", async () => {
    const from = { "x-forwarded-for": "192.0.2.30:40000" };
    const { body } = await server.request("POST", "/api/keys", { scope: "ingest" });
    const get = (key: string) =>
      server.request("GET", "/api/limits", undefined, { ...from, authorization: `Bearer ${key}` });
    const guesses = Array.from({ length: 200 }, (_, at) =>
      get(`wharf_ingest_${String(at).padStart(43, "h")}`),
    );
    const valid = get(body.key);
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect((await valid).status).toBe(200);
    expect(new Set(statuses.slice(20))).toEqual(new Set([429]));
    expect((await get("password")).status).toBe(429);
    expect((await get("")).status).toBe(401);
  });

  test("a good key counts as no failure, however many requests come with it before it is known", async () => {
    const { body } = await server.request("POST", "/api/keys", { scope: "ingest" });
    const good = { "x-forwarded-for": "192.0.2.22", authorization: `Bearer ${body.key}` };
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => server.request("GET", "/api/limits", undefined, good)),
    );
    expect(answers.filter((answer) => answer.status !== 200)).toHaveLength(0);
    for (let i = 0; i < 20; i++) expect((await enrol({ code: WRONG_CODE }, "192.0.2.22")).status).toBe(401);
  });

  test("a body that is large, compressed or no JSON is refused, and counts as a failure", async () => {
    const address = "192.0.2.23";
    const large = { code: WRONG_CODE, os: "x".repeat(16 * 1024) };
    const send = (body: unknown, headers: Record<string, string> = {}) =>
      server.request("POST", "/api/devices/enrol", body, {
        authorization: "",
        "x-forwarded-for": address,
        ...headers,
      });
    expect((await send(large)).status).toBe(413);
    expect((await send({ code: WRONG_CODE }, { "content-encoding": "gzip" })).status).toBe(415);
    expect((await send({ code: WRONG_CODE }, { "content-type": "text/plain" })).status).toBe(415);
    for (let i = 0; i < 17; i++) expect((await send("{")).status).toBe(400);
    expect((await send("{")).status).toBe(429);
    expect((await send({ code: WRONG_CODE })).status).toBe(429);
    expect((await send({ code: await newCode() })).status).toBe(201);
  });

  test("joining counts as no failure", async () => {
    const codes = await Promise.all(Array.from({ length: 21 }, () => newCode()));
    for (const code of codes) expect((await enrol({ code }, "192.0.2.24")).status).toBe(201);
  });

  test("wrong keys count too; a key that worked before remains valid from the same address", async () => {
    const from = { "x-forwarded-for": "192.0.2.9" };
    const { body } = await server.request("POST", "/api/keys", { scope: "read" });
    const good = { ...from, authorization: `Bearer ${body.key}` };
    expect((await server.request("GET", "/api/limits", undefined, good)).status).toBe(200);
    const guess = () =>
      server.request("GET", "/api/limits", undefined, {
        ...from,
        authorization: `Bearer wharf_admin_${"g".repeat(43)}`,
      });
    for (let i = 0; i < 20; i++) expect((await guess()).status).toBe(401);
    expect((await guess()).status).toBe(429);
    server.current().access.forgetKeys();
    expect((await server.request("GET", "/api/limits", undefined, good)).status).toBe(200);
    expect((await server.request("GET", "/api/limits", undefined, from)).status).toBe(200);
  });

  test("what a client writes into X-Forwarded-For itself does not give it another address", async () => {
    for (let i = 0; i < 20; i++) await enrol({ code: WRONG_CODE }, `${i}.${i}.${i}.${i}, 192.0.2.77`);
    expect((await enrol({ code: WRONG_CODE }, "9.9.9.9, 192.0.2.77")).status).toBe(429);
  });
});

describe("renaming and removing a device", () => {
  test("a device keeps the name that it was given, and not the name in its events", async () => {
    const { body } = await enrol({ code: await newCode(), name: "before" });
    const renamed = await server.request("PATCH", `/api/devices/${body.device.id}`, { name: "after" });
    expect(renamed.body.device).toMatchObject({ id: body.device.id, name: "after" });
    const event = { ...eventOf(body.device.id), data: { _device_name: "itself" } };
    await server.request("POST", "/api/events", { events: [event] });
    const [row] = await server.sql`SELECT name FROM devices WHERE id = ${body.device.id}`;
    expect(row?.["name"]).toBe("after");
  });

  test("a removed device loses its keys and keeps its events", async () => {
    const { body } = await enrol({ code: await newCode() });
    const authorization = `Bearer ${body.key}`;
    const event = eventOf(body.device.id);
    await server.request("POST", "/api/events", { events: [event] }, { authorization });
    expect((await server.request("DELETE", `/api/devices/${body.device.id}`)).status).toBe(204);
    for (const key of [body.key, body.read_key]) {
      const headers = { authorization: `Bearer ${key}` };
      expect((await server.request("GET", "/api/limits", undefined, headers)).status).toBe(401);
    }
    const [row] = await server.sql`
      SELECT status, (SELECT count(*)::int FROM events WHERE device_id = d.id) AS events FROM devices d`;
    expect(row).toEqual({ status: "terminated", events: 1 });
    expect((await server.request("GET", "/api/devices")).body.devices).toEqual([]);
    expect((await server.request("GET", `/api/devices/${body.device.id}`)).status).toBe(200);
  });

  test("a removed device's codes end with it, those of other devices stay", async () => {
    const { body } = await enrol({ code: await newCode() });
    const code = await newCode({ device_id: body.device.id });
    const others = [await newCode({ device_id: "another" }), await newCode()];
    expect((await server.request("DELETE", `/api/devices/${body.device.id}`)).status).toBe(204);
    expect((await enrol({ code })).status).toBe(401);
    const [row] = await server.sql`SELECT status FROM devices WHERE id = ${body.device.id}`;
    expect(row?.["status"]).toBe("terminated");
    for (const other of others) expect((await enrol({ code: other })).status).toBe(201);
  });

  test("a removal at the same time as an enrolment leaves no key that works, or comes before it", async () => {
    const { body } = await enrol({ code: await newCode() });
    const path = `/api/devices/${body.device.id}`;
    for (let i = 0; i < 10; i++) {
      const code = await newCode({ device_id: body.device.id });
      const [joined, removed] = await Promise.all([enrol({ code }), server.request("DELETE", path)]);
      expect(removed.status).toBe(204);
      expect([201, 401]).toContain(joined.status);
      const [row] = await server.sql`
        SELECT count(*)::int AS keys FROM api_keys WHERE device_id = ${body.device.id} AND revoked_at IS NULL`;
      expect(row?.["keys"]).toBe(0);
    }
  });

  test("a removed device that sends again with another key is online again, also at once", async () => {
    const { body } = await enrol({ code: await newCode() });
    await server.request("DELETE", `/api/devices/${body.device.id}`);
    await server.request("POST", "/api/events", { events: [eventOf(body.device.id)] });
    await server.projected();
    const [row] = await server.sql`SELECT status FROM devices`;
    expect(row?.["status"]).toBe("online");
  });

  test("an unknown device is not found, and a name has to be one", async () => {
    expect((await server.request("PATCH", "/api/devices/nope", { name: "x" })).status).toBe(404);
    expect((await server.request("DELETE", "/api/devices/nope")).status).toBe(404);
    expect((await server.request("PATCH", "/api/devices/nope", { name: "  " })).status).toBe(400);
    expect((await server.request("PATCH", "/api/devices/%00", { name: "x" })).status).toBe(404);
  });
});
