import { expect, test } from "bun:test";
import { PAGE_PATHS } from "@wharf/dashboard/served";
import { Hono } from "hono";
import pino from "pino";
import { NO_ACCESS, requestVariables } from "../../__tests__/request-variables.ts";
import { answerError, answerUnknownRoute } from "../../http/failures.ts";
import type { AppEnv } from "../../http/request-context.ts";
import type { Phase } from "../../readiness.ts";
import { answerUnknownPage, dashboardRoutes } from "../dashboard.ts";

function anApp({ isDevelopment = false, phase = "ready" as Phase } = {}): Hono<AppEnv> {
  const app = new Hono<AppEnv>().use(requestVariables(NO_ACCESS, { phase }));
  app.notFound(answerUnknownRoute(app));
  app.onError(answerError(pino({ level: "silent" })));
  return app.route("/", dashboardRoutes({ isDevelopment }));
}

async function nameOfScript(app: Hono<AppEnv>): Promise<string> {
  const html = await (await app.request("/")).text();
  return /src="(\/assets\/main-[a-z0-9]{8}\.js)"/.exec(html)?.[1] ?? "";
}

test("every page is the same document, under a policy that runs only the hub's own scripts", async () => {
  const app = anApp();
  const documents = new Set<string>();
  for (const path of PAGE_PATHS) {
    const response = await app.request(path.replace(":id", "some-id"));
    expect([path, response.status]).toEqual([path, 200]);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    documents.add(await response.text());
  }
  expect(documents.size).toBe(1);
});

for (const phase of ["starting", "draining"] as const) {
  test(`the pages are there while the server is ${phase}`, async () => {
    expect((await anApp({ phase }).request("/")).status).toBe(200);
  });
}

test("a file comes compressed as the browser accepts it, and the browser keeps it", async () => {
  const app = anApp();
  const path = await nameOfScript(app);
  const sizes: number[] = [];
  for (const [accepted, encoding] of [
    ["gzip, deflate, br, zstd", "br"],
    ["gzip;q=1.0", "gzip"],
    ["identity", null],
  ] as const) {
    const response = await app.request(path, { headers: { "accept-encoding": accepted } });
    expect(response.headers.get("content-encoding")).toBe(encoding);
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("cache-control")).toContain("immutable");
    sizes.push((await response.arrayBuffer()).byteLength);
  }
  expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
});

test("a file that the browser has is not sent again", async () => {
  const app = anApp();
  const path = await nameOfScript(app);
  const etag = (await app.request(path)).headers.get("etag") ?? "";
  const response = await app.request(path, { headers: { "if-none-match": etag } });
  expect([response.status, await response.text()]).toEqual([304, ""]);
  expect((await app.request(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
});

test("a file of another version is not found, and no path leaves the folder", async () => {
  for (const path of ["/assets/main-00000000.js", "/assets/..%2f..%2fpackage.json", "/assets/"])
    expect([path, (await anApp().request(path)).status]).not.toEqual([path, 200]);
});

test("a browser at an unknown address gets the pages, and a program the problem", async () => {
  const app = anApp();
  app.notFound(answerUnknownPage(answerUnknownRoute(app)));
  const browser = { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };
  const page = await app.request("/nopage", browser);
  expect([page.status, page.headers.get("content-type")]).toEqual([404, "text/html; charset=UTF-8"]);
  expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
  for (const [path, options] of [
    ["/nopage", { headers: { accept: "*/*" } }],
    ["/nopage", { ...browser, method: "POST" }],
    ["/api/nothing", browser],
    ["/assets/main-00000000.js", browser],
  ] as const) {
    const { status, headers } = await app.request(path, options);
    expect([path, status, headers.get("content-type")]).toEqual([path, 404, "application/problem+json"]);
  }
});

test("the gallery is there in development only", async () => {
  expect((await anApp().request("/dev/gallery")).status).toBe(404);
  expect((await anApp({ isDevelopment: true }).request("/dev/gallery")).status).toBe(200);
});
