import { describe, expect, test } from "bun:test";
import { ConnectionStringError, readConnectionString } from "../connection-options.ts";

const PASSWORD = "canary-password";

function read(text: string) {
  const { options, ...rest } = readConnectionString(text);
  return { ...options, ...rest };
}

describe("a connection string", () => {
  test("names host, port, user, password and database, each percent-encoded", () => {
    expect(read("postgres://us%40er:p%2Fw%3A@db.example.com:6543/my%20db")).toMatchObject({
      host: ["db.example.com"],
      port: [6543],
      user: "us@er",
      password: "p/w:",
      database: "my db",
    });
  });

  test("leaves out what it does not name, which the driver takes from the environment", () => {
    expect(readConnectionString("postgresql://").options).toEqual({ ssl: false });
  });

  test("takes a password with an @, a : and a # as they are", () => {
    expect(read("postgres://me:a@b:c#d@localhost/wharf")).toMatchObject({
      user: "me",
      password: "a@b:c#d",
      host: ["localhost"],
    });
  });

  test("takes an IPv6 address in brackets, with and without a port", () => {
    expect(read("postgres://[::1]:6543/wharf")).toMatchObject({ host: ["::1"], port: [6543] });
    expect(read("postgres://me@[2001:db8::1]/wharf")).toMatchObject({ host: ["2001:db8::1"], port: [5432] });
  });

  test("takes the folder of a Unix socket as host, encoded or as a parameter", () => {
    for (const text of ["postgres://%2Frun%2Fpg:6543/wharf", "postgres:///wharf?host=/run/pg&port=6543"])
      expect(read(text)).toMatchObject({ path: "/run/pg/.s.PGSQL.6543", database: "wharf" });
  });

  test("gives parameters precedence", () => {
    const text = `postgres://one:two@three/four?user=me&password=${PASSWORD}&host=here&port=1&dbname=wharf`;
    expect(read(text)).toMatchObject({
      user: "me",
      password: PASSWORD,
      host: ["here"],
      port: [1],
      database: "wharf",
    });
  });

  test("shows its hosts and ports, and nothing secret", () => {
    const { address } = readConnectionString(`postgres://me:x@${PASSWORD}@db1,[::1]:6543/wharf`);
    expect(address).toBe("db1:5432,[::1]:6543");
    expect(readConnectionString("postgres:///wharf").address).toBe("");
  });
});

describe("the parameters of a connection string", () => {
  test("that match the default are accepted silently", () => {
    const parameters = "channel_binding=prefer&schema=public&gssencmode=disable&target_session_attrs=any";
    expect(readConnectionString(`postgres://h/d?${parameters}`).ignored).toEqual([]);
  });

  test("that are unknown are named, and not sent to Postgres", () => {
    const parameters = "channel_binding=require&connection_limit=1&schema=app&no_such=1&empty=";
    const { ignored, settings } = readConnectionString(`postgres://h/d?${parameters}`);
    expect(ignored).toEqual(["channel_binding", "connection_limit", "schema", "no_such"]);
    expect(settings).toEqual({});
  });

  test("that are settings of Postgres go along", () => {
    const { ignored, settings } = readConnectionString(
      "postgres://h/d?application_name=me&options=-c%20search_path%3Dapp&statement_timeout=5000",
    );
    expect(settings).toEqual({
      application_name: "me",
      options: "-c search_path=app",
      statement_timeout: "5000",
    });
    expect(ignored).toEqual([]);
  });

  test("set time-outs, signs of life, and whether statements are prepared", () => {
    expect(read("postgres://h/d?connect_timeout=3&keepalives_idle=30&pgbouncer=true")).toMatchObject({
      connect_timeout: 3,
      keep_alive: 30,
      prepare: false,
    });
    expect(read("postgres://h/d?keepalives=0&pgbouncer=false")).toMatchObject({ keep_alive: 0 });
    expect(read("postgres://h/d?keepalives=1&pgbouncer=false")).not.toContainKeys(["keep_alive", "prepare"]);
  });

  test("ask for a primary where they ask for one that can be written to", () => {
    expect(read("postgres://a,b/d?target_session_attrs=read-write")).toMatchObject({
      target_session_attrs: "primary",
      host: ["a", "b"],
    });
  });
});

describe("a connection string is refused, and none of its values shown,", () => {
  const wrong: [string, string, RegExp][] = [
    ["of another scheme", `mysql://me:${PASSWORD}@h/d`, /expected postgres:\/\//],
    ["without a scheme", `h/d ${PASSWORD}`, /expected postgres:\/\//],
    ["with a / in its password", `postgres://me:${PASSWORD}/x@h/d`, /the port must be|host cannot be read/],
    ["with a % that is no code", `postgres://me:${PASSWORD}%@h/d`, /the password has a %/],
    ["with an IPv6 address without brackets", `postgres://me:${PASSWORD}@::1/d`, /in brackets/],
    ["with a port that is none", `postgres://me:${PASSWORD}@h:65536/d`, /from 1 to 65535/],
    ["with port 0", `postgres://me:${PASSWORD}@h:0/d`, /from 1 to 65535/],
    [
      "with an unknown sslmode",
      `postgres://me:${PASSWORD}@h/d?sslmode=${PASSWORD}`,
      /sslmode must be one of/,
    ],
    ["with no-verify", `postgres://me:${PASSWORD}@h/d?sslmode=no-verify`, /no-verify is require/],
    [
      "with an authority that cannot be read",
      `postgres://me:${PASSWORD}@h/d?sslmode=verify-ca&sslrootcert=/none`,
      /sslrootcert/,
    ],
    [
      "with an unknown role",
      `postgres://me:${PASSWORD}@h/d?target_session_attrs=leader`,
      /target_session_attrs/,
    ],
    [
      "with public authorities that are not asked for the name",
      "postgres://h/d?sslrootcert=system&sslmode=verify-ca",
      /verify-full/,
    ],
  ];
  for (const [what, text, reason] of wrong) {
    test(what, () => {
      const error = thrownBy(() => readConnectionString(text));
      expect(error).toBeInstanceOf(ConnectionStringError);
      expect(String(error)).toMatch(reason);
      expect(String(error)).not.toContain(PASSWORD);
    });
  }
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}
