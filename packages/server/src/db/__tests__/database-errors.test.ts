import { describe, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { describeDatabaseError, isConnectionLost, isUnavailable } from "../database-errors.ts";

function refusal(message: string): Error {
  return Object.assign(new Error(message), { code: "28000" });
}

describe("a connection that Postgres refuses", () => {
  const messages: [string, RegExp][] = [
    [
      'no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption',
      /TLS .*sslmode=require/,
    ],
    ['no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", SSL off', /TLS .*sslmode=require/],
    ["SSL connection is required. Please specify SSL options and retry.", /TLS .*sslmode=require/],
    ["connection is insecure (try using `sslmode=require`)", /TLS .*sslmode=require/],
    ["connection requires a valid client certificate", /sslcert=FILE/],
    ['no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", SSL encryption', /pg_hba\.conf/],
    ['role "u" does not exist', /user in DATABASE_URL/],
  ];
  for (const [message, advice] of messages) {
    test(`with "${message}" is named with what to do, and without a word of the password`, () => {
      const text = describeDatabaseError(refusal(message));
      expect(text).toMatch(advice);
      expect(text).not.toMatch(/password|10\.0\.0\.1/);
    });
  }

  test("for its password is distinguished from those", () => {
    expect(describeDatabaseError(Object.assign(new Error("x"), { code: "28P01" }))).toContain("password");
  });
});

describe("TLS that fails", () => {
  for (const code of [
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "CERT_HAS_EXPIRED",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "TLS_NOT_OFFERED",
  ]) {
    test(`by ${code} is no connection, and names the parameter that helps`, () => {
      const error = Object.assign(new Error("x"), { code });
      expect([isUnavailable(error), isConnectionLost(error)]).toEqual([true, true]);
      expect(describeDatabaseError(error)).toMatch(/sslrootcert=|sslmode=/);
    });
  }
});

test("a connection that is refused for their number names how many a process needs", () => {
  const error = Object.assign(new Error('too many connections for role "u"'), { code: "53300" });
  expect(describeDatabaseError(error)).toMatch(
    /\(53300\).*at least 6; lower WHARF_DB_CONNECTIONS .* raise max_connections/,
  );
});

test("an error of the file system is not called one of the database", async () => {
  const error = await mkdir("/dev/null/folder").catch((reason: unknown) => reason);
  expect(describeDatabaseError(error)).toBe("cannot mkdir /dev/null/folder (ENOTDIR)");
  // Five characters, as a SQLSTATE has.
  const readOnly = Object.assign(new Error("x"), { code: "EROFS", syscall: "open", path: "/data/x" });
  expect(describeDatabaseError(readOnly)).toBe("cannot open /data/x (EROFS)");
});
