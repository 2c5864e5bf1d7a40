import { expect, test } from "bun:test";
import fc from "fast-check";
import { withoutCredentials } from "../credentials.ts";
import { canonicalWorkspaceId } from "../workspace.ts";

const SECRET = "S3CRET";
const RUNS = 20_000;
const SEED = 20_261_129;

const secret = fc.constantFrom(
  SECRET,
  `ab/${SECRET}`,
  `1234/${SECRET}`,
  `p ${SECRET}`,
  `p"${SECRET}`,
  `p@${SECRET}`,
  `p:${SECRET}`,
  `p#${SECRET}`,
  `p?${SECRET}`,
  `%2F${SECRET}%40`,
  `${SECRET}${"x".repeat(1_500)}`,
);
const helper = fc.constantFrom(
  "",
  "",
  "hg::",
  "gcrypt::",
  "codecommit::",
  "ext::",
  "persistent-https::",
  "a::b::",
);
const scheme = fc.constantFrom(
  ..."https:// http:// HTTPS:// ssh:// git:// git+ssh:// ftps:// svn:// us-east-1:// https:/ https: //".split(
    " ",
  ),
  "",
);
const sign = fc.constantFrom("@", "%40", "%2540", "@@");
const host = fc.constantFrom(
  "h.example",
  "github.com",
  "localhost",
  "[2001:db8::1]",
  "xn--a.example",
  "10.0.0.1",
);
const port = fc.constantFrom("", "", ":22", ":8443", ":", ":nonsense");
const separator = fc.constantFrom("/", ":", "//", ":/");
const path = fc.constantFrom(
  "team/tools",
  "team/tools.git",
  "r",
  "a/b/c/",
  "My Project/_git/x",
  "c%23",
  "x@v2",
);
const blank = fc.constantFrom("", "", " ", "\t", "\n", "see ", "two https://h.example/x ");

/** A secret as a user, as a password, or in a query or fragment. */
const account = fc.oneof(
  secret,
  fc
    .tuple(fc.constantFrom("u", "oauth2", "x-access-token", "ann@corp.example", "a.b", ""), secret)
    .map((pair) => pair.join(":")),
);
const withAccount = fc
  .tuple(blank, helper, scheme, account, sign, host, port, separator, path, blank)
  .map((parts) => parts.join(""));
const withQuery = fc
  .tuple(
    blank,
    fc.constantFrom("https://", "ssh://git@", "git@", "", "hg::https://", "https://u:p@"),
    host,
    separator,
    path,
    fc.constantFrom(
      "?token=",
      "?a=b&token=",
      "%3Ftoken=",
      "%3ftoken%3D",
      "#token=",
      "%23access_token=",
      ";token=",
      "&token=",
    ),
    fc.constantFrom(SECRET, `${SECRET}@h.example/x`, `https://u:${SECRET}@h.example/x`),
    blank,
  )
  .map((parts) => parts.join(""));
const remote = fc.oneof({ weight: 3, arbitrary: withAccount }, { weight: 1, arbitrary: withQuery });

test("no secret of a remote is left in its id, nor in what is kept of its text", () => {
  fc.assert(
    fc.property(remote, (text) => {
      expect(canonicalWorkspaceId(text) ?? "").not.toContain(SECRET);
      expect(withoutCredentials(text)).not.toContain(SECRET);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});

test("the secrets are there to be found: without an account or a query an id is its remote's", () => {
  expect(canonicalWorkspaceId("https://h.example/team/tools")).toBe("h.example/team/tools");
  expect(withoutCredentials(`https://h.example/team/${SECRET}`)).toContain(SECRET);
});

test("what is kept of a remote has the same id as the remote", () => {
  fc.assert(
    fc.property(remote, (text) => {
      const id = canonicalWorkspaceId(text);
      if (id !== null) expect(canonicalWorkspaceId(withoutCredentials(text))).toBe(id);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});
