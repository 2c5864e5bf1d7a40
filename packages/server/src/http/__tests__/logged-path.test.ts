import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LOGGED_PATH_CHARACTERS_MAX, loggedPath } from "../middleware.ts";

const KEY = `wharf_read_${"k".repeat(43)}`;

describe("a path in the log", () => {
  test("is complete when it holds ids and names only", () => {
    for (const path of ["/", "/api/sessions/01JD-x_y.z/events", "/api/workspaces/github.com/acme/repo"])
      expect(loggedPath(path)).toBe(path);
  });

  test.each([
    "/api/workspaces/https://user:PASSWORD@host/a/b",
    "/api/workspaces/https%3A%2F%2Fuser%3APASSWORD%40host%2Fa",
    "/api/workspaces/user:PASSWORD@host/x/y.git",
    "/api/workspaces/https:/u:1234/PASSWORD@h/r",
    "/api/workspaces/hg::https://PASSWORD@host/x",
    "/api/workspace/git@host:a/b?token=PASSWORD",
    "/https://u:PASSWORD@h/r",
    "/api/workspaces/PASSWORD/x@h/r",
    "/PASSWORD/x@h/r",
    "/api/PASSWORD@h/r",
    "/api/sessions/a b;PASSWORD",
  ])("holds no part of a remote with credentials: %s", (path) => {
    const logged = loggedPath(path);
    expect(logged).not.toContain("PASSWORD");
    expect(logged).toEndWith("/[…]");
  });

  test("contains no key and is cut", () => {
    expect(loggedPath(`/api/keys/${KEY}`)).toBe("/api/keys/wharf_read_[key]");
    expect(loggedPath(`/${KEY}/x:y`)).not.toContain("kkk");
    expect(loggedPath(`/${"a".repeat(3_000)}`)).toHaveLength(LOGGED_PATH_CHARACTERS_MAX + 1);
  });

  test("is bounded for any path", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5_000 }), (text) => {
        expect(loggedPath(`/${text}`).length).toBeLessThanOrEqual(LOGGED_PATH_CHARACTERS_MAX + 5);
      }),
    );
  });
});
