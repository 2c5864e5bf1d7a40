import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createTcpProxy, useTestDatabase } from "@wharf/testkit";
import postgres from "postgres";
import { readConnectionString } from "../connection-options.ts";
import { AUTHORITY_FILE, startTlsRelay, type TlsRelay } from "./tls-relay.ts";

const database = useTestDatabase();
let secure: TlsRelay;
let plain: TlsRelay;
/** Where nothing listens. */
let away: string;

beforeAll(async () => {
  const { hostname, port } = new URL(database.url);
  const target = { host: hostname, port: Number(port) };
  secure = await startTlsRelay(target, true);
  plain = await startTlsRelay(target, false);
  const closed = await createTcpProxy(target);
  away = `127.0.0.1:${closed.port}`;
  await closed.close();
});
afterAll(() => Promise.all([secure.close(), plain.close()]));

/** The database of the tests at other addresses. */
function at(hosts: string, parameters = ""): string {
  const { username, password, pathname } = new URL(database.url);
  return `postgres://${username}:${password}@${hosts}${pathname}?${parameters}`;
}

/** How a query ends: its row, or the code of its error. */
async function outcomeOf(text: string): Promise<unknown> {
  const sql = postgres({ max: 1, ...readConnectionString(text).options });
  try {
    const [row] = await sql`SELECT 1 AS one`;
    return row;
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

const DONE = { one: 1 };
const trusted = `sslrootcert=${AUTHORITY_FILE}`;

describe("a server with TLS", () => {
  for (const parameters of [
    "sslmode=require",
    "sslmode=prefer",
    "sslmode=allow",
    "ssl=true",
    `sslmode=require&${trusted}`,
    `sslmode=verify-ca&${trusted}`,
    `sslmode=verify-full&${trusted}`,
  ]) {
    test(`is spoken to with TLS by ${parameters
      .split("&")
      .map((part) => part.split("/")[0])
      .join(" ")}`, async () => {
      const before = secure.counts.secured;
      expect(await outcomeOf(at(`localhost:${secure.port}`, parameters))).toEqual(DONE);
      expect(secure.counts.secured).toBe(before + 1);
    });
  }

  test("is spoken to without TLS by default, and with sslmode=disable", async () => {
    const before = { ...secure.counts };
    expect(await outcomeOf(at(`localhost:${secure.port}`))).toEqual(DONE);
    expect(await outcomeOf(at(`localhost:${secure.port}`, "sslmode=disable"))).toEqual(DONE);
    expect(secure.counts).toEqual({ secured: before.secured, plain: before.plain + 2 });
  });

  test("is refused when no trusted authority signed its certificate", async () => {
    for (const mode of ["verify-ca", "verify-full"])
      expect(await outcomeOf(at(`localhost:${secure.port}`, `sslmode=${mode}`))).toMatch(
        /VERIFY|ISSUER|SIGNED/,
      );
    expect(await outcomeOf(at(`localhost:${secure.port}`, "sslrootcert=system"))).toMatch(
      /VERIFY|ISSUER|SIGNED/,
    );
  });

  test("is refused by verify-full alone when the certificate is for another name", async () => {
    const host = `${(await Bun.dns.lookup("localhost"))[0]?.address.replace(/^(.*:.*)$/, "[$1]")}:${secure.port}`;
    expect(await outcomeOf(at(host, `sslmode=verify-full&${trusted}`))).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(await outcomeOf(at(host, `sslmode=verify-ca&${trusted}`))).toEqual(DONE);
  });
});

describe("a server without TLS", () => {
  test("is accepted by prefer, and rejected by every mode that requires TLS", async () => {
    expect(await outcomeOf(at(`localhost:${plain.port}`, "sslmode=prefer"))).toEqual(DONE);
    for (const parameters of [
      "sslmode=require",
      `sslmode=verify-ca&${trusted}`,
      `sslmode=verify-full&${trusted}`,
    ])
      expect(await outcomeOf(at(`localhost:${plain.port}`, parameters))).toBe("TLS_NOT_OFFERED");
  });
});

describe("several hosts", () => {
  test("are tried in order, until one responds", async () => {
    const hosts = `${away},localhost:${plain.port}`;
    expect(await outcomeOf(at(hosts))).toEqual(DONE);
    expect(await outcomeOf(at(`${away},localhost:${secure.port}`, `sslmode=verify-full&${trusted}`))).toEqual(
      DONE,
    );
  });

  test("that are all unavailable lead to an error", async () => {
    const outcome = await outcomeOf(at(`${away},${away}`));
    expect(outcome).toBe("ECONNREFUSED");
  });

  test("are asked for a primary, also with TLS", async () => {
    const hosts = `${away},localhost:${secure.port}`;
    expect(await outcomeOf(at(hosts, "target_session_attrs=read-write&sslmode=require"))).toEqual(DONE);
  });
});

test("a pool is whole again after its server was away for more attempts than it has places", async () => {
  const relay = await createTcpProxy({ host: "localhost", port: secure.port });
  const sql = postgres({
    max: 2,
    backoff: () => 0,
    ...readConnectionString(at(`localhost:${relay.port}`, "sslmode=require")).options,
  });
  relay.refuse();
  for (let attempt = 0; attempt < 5; attempt++)
    await expect(Promise.resolve(sql`SELECT 1`)).rejects.toThrow();
  relay.accept();
  expect(await Promise.all([sql`SELECT 1`, sql`SELECT 1`, sql`SELECT 1`])).toHaveLength(3);
  await sql.end({ timeout: 1 });
  await relay.close();
});
