import { type Context, Hono } from "hono";
import type { Database } from "../db/database.ts";
import { countHub, type HubCounts } from "../db/hub-counts.ts";
import type { AppEnv } from "../http/context.ts";
import { homePage } from "../http/home-page.ts";
import { PAGE_POLICY } from "../http/page.ts";
import { publicRoute } from "../http/scopes.ts";

export type HomeDependencies = { reads: Database };

const LOOPBACK = new Set(["127.0.0.1", "::ffff:127.0.0.1", "::1"]);

/** GET /: what a person sees who opens the server's address in a browser. Counts are shown on the server's own machine alone. */
export function homeRoutes({ reads }: HomeDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/", publicRoute, async function getHome(c) {
    const { phase } = c.env;
    const counts = phase === "ready" && isOwnMachine(c) ? await countOrNull(reads) : null;
    const page = homePage({ origin: new URL(c.req.url).origin, phase, counts });
    return c.html(page, 200, { "content-security-policy": PAGE_POLICY, "cache-control": "no-store" });
  });

  return routes;
}

/** A request that a proxy on this machine passes on comes from elsewhere. */
function isOwnMachine(c: Context<AppEnv>): boolean {
  const address = c.env.server?.requestIP(c.req.raw)?.address;
  return address !== undefined && LOOPBACK.has(address) && c.req.header("x-forwarded-for") === undefined;
}

/** The page is there also while the database is unavailable. */
async function countOrNull(reads: Database): Promise<HubCounts | null> {
  return await reads.run(countHub).catch(() => null);
}
