import { expect, test } from "bun:test";
import { TrieRouter } from "hono/router/trie-router";
import { createRouter } from "../router.ts";

const ROUTES: [method: string, path: string][] = [
  ["ALL", "/api/*"],
  ["GET", "/api/jobs"],
  ["POST", "/api/jobs/retry"],
  ["POST", "/api/jobs/:id"],
  ["GET", "/api/jobs/:id"],
];

function routers() {
  const ours = createRouter<string>();
  const trie = new TrieRouter<string>();
  for (const [method, path] of ROUTES) {
    ours.add(method, path, `${method} ${path}`);
    trie.add(method, path, `${method} ${path}`);
  }
  return { ours, trie };
}

test("every path finds what Hono's router finds, the first time and again", () => {
  const { ours, trie } = routers();
  const methods = ["GET", "POST", "DELETE"];
  const paths = ["/api/jobs", "/api/jobs/retry", "/api/jobs/one", "/api/jobs/two", "/api", "/none", ""];
  for (const method of [...methods, ...methods])
    for (const path of paths) expect(ours.match(method, path)).toEqual(trie.match(method, path));
});

test("a path without parameters is looked up once", () => {
  const { ours } = routers();
  expect(ours.match("GET", "/api/jobs")).toBe(ours.match("GET", "/api/jobs"));
});

test("a route that is added later is found, also on a path that was looked up before", () => {
  const { ours } = routers();
  const before = ours.match("POST", "/api/jobs/retry")[0].length;
  ours.add("POST", "/api/jobs/retry", "later");
  expect(ours.match("POST", "/api/jobs/retry")[0]).toHaveLength(before + 1);
});
