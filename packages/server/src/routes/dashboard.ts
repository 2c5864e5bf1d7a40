import { type Asset, buildDashboard, GALLERY_PATH, PAGE_PATHS } from "@wharf/dashboard/served";
import { type Context, Hono, type NotFoundHandler } from "hono";
import { builtOnce } from "../built-once.ts";
import { operation } from "../http/operation.ts";
import { ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";

export type DashboardDependencies = {
  /** Serves the gallery of all blocks, too. */
  isDevelopment: boolean;
};

/** The built pages, once per process. */
export const dashboard = builtOnce(buildDashboard);

const tag = "Pages";
const PAGE = "text/html";
/** Programs read these paths. */
const NOT_PAGES = /^\/(?:api|assets|client|health|metrics)(?:\/|$)/;
const HASHED = /-[a-z0-9]{8}\.(?:js|css)$/;
/** The names of such files change with their content. */
const IMMUTABLE = "public, max-age=31536000, immutable";
/** Transcripts hold hostile text: only scripts and styles of this hub run, and no other page can frame these. */
const POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const page = operation({
  scopes: [],
  tag,
  summary: "A page of the dashboard, for browsers",
  description:
    "Every page is the same document; its script reads the address, and the API with the browser's cookie.",
  responses: { 200: { contentType: PAGE } },
  example: { path: { id: "1" }, status: 200 },
});

const asset = operation({
  scopes: [],
  tag,
  summary: "A script or style of the dashboard",
  responses: { 200: { contentType: "*/*" } },
  problems: { 404: "There is no such file: the page is of another version; load it again." },
  example: { path: { name: "icon.svg" }, status: 200 },
});

/** The pages and their files. */
export function dashboardRoutes({ isDevelopment }: DashboardDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  let built = dashboard;

  for (const path of [...PAGE_PATHS, ...(isDevelopment ? [GALLERY_PATH] : [])]) {
    routes.get(path, page, async function getPage(c) {
      // A change of a page is seen when it is loaded again.
      if (isDevelopment) built = builtOnce(buildDashboard);
      const { html } = await built();
      return c.html(html, 200, { "content-security-policy": POLICY, "cache-control": "no-cache" });
    });
  }

  routes.get("/assets/:name", asset, async function getAsset(c) {
    const { assets } = await built();
    const found = assets.get(c.req.param("name"));
    if (found === undefined) throw unknownAsset();
    return respondWith(c, found);
  });

  return routes;
}

/** Answers a browser at an unknown address with the pages' menu; everything else as `otherwise` does. */
export function answerUnknownPage(otherwise: NotFoundHandler<AppEnv>): NotFoundHandler<AppEnv> {
  return async function respondUnknownPage(c) {
    const isPage = c.req.method === "GET" && !NOT_PAGES.test(c.req.path);
    if (!isPage || !c.req.header("accept")?.includes(PAGE)) return await otherwise(c);
    const { html } = await dashboard();
    return c.html(html, 404, { "content-security-policy": POLICY, "cache-control": "no-store" });
  };
}

/** The smallest encoding that the browser accepts; 304 if it has the file. */
function respondWith(c: Context<AppEnv>, { name, etag, contentType, bytes, brotli, gzip }: Asset): Response {
  const headers = {
    "cache-control": HASHED.test(name) ? IMMUTABLE : "no-cache",
    etag,
    vary: "accept-encoding",
  };
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
  const accepted = (c.req.header("accept-encoding") ?? "")
    .split(",")
    .map((word) => word.trim().split(";")[0]);
  const encoding = accepted.includes("br") ? "br" : accepted.includes("gzip") ? "gzip" : null;
  const body = encoding === "br" ? brotli : encoding === "gzip" ? gzip : bytes;
  return c.body(body, 200, {
    ...headers,
    "content-type": contentType,
    ...(encoding === null ? {} : { "content-encoding": encoding }),
  });
}

function unknownAsset(): ProblemError {
  return new ProblemError({
    status: 404,
    code: "ASSET_NOT_FOUND",
    detail: "There is no such file. The page is of another version of the hub: load it again.",
  });
}
