import { type Context, Hono } from "hono";
import type { Database } from "../db/database.ts";
import type { HealthProbe } from "../db/health-probe.ts";
import { countHub, type HubCounts } from "../db/reads/hub-counts.ts";
import { peerAddress } from "../http/client-address.ts";
import { homePage } from "../http/home-page.ts";
import { PAGE_POLICY } from "../http/html-page.ts";
import { operation } from "../http/operation.ts";
import { publicOrigin } from "../http/public-origin.ts";
import type { AppEnv } from "../http/request-context.ts";

export type HomeDependencies = { reads: Database; health: HealthProbe };

const LOOPBACK = new Set(["127.0.0.1", "::ffff:127.0.0.1", "::1"]);
const OWN_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

const home = operation({
  scopes: [],
  tag: "Server",
  summary: "Home page: state of the server, how to connect a device, and links",
  responses: { 200: { contentType: "text/html" } },
  example: { status: 200 },
});

/** GET /: the page for browsers. Counts are shown only to requests from the same machine. */
export function homeRoutes({ reads, health }: HomeDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", home, async function getHome(c) {
    const phase = c.get("phase");
    const url = new URL(c.req.url);
    const { ok } = await health.check();
    const counts = ok && phase === "ready" && isOwnMachine(c, url) ? await countOrNull(reads) : null;
    const page = homePage({ origin: publicOrigin(c), phase, isDatabaseAvailable: ok, counts });
    return c.html(page, 200, { "content-security-policy": PAGE_POLICY, "cache-control": "no-store" });
  });

  return routes;
}

/** False behind a proxy on this machine, and for a foreign domain that resolves to it (DNS rebinding). */
function isOwnMachine(c: Context<AppEnv>, { hostname }: URL): boolean {
  const address = peerAddress(c);
  if (address === null || !LOOPBACK.has(address)) return false;
  return OWN_NAMES.has(hostname) && c.req.header("x-forwarded-for") === undefined;
}

/** Null while the database is unavailable. */
async function countOrNull(reads: Database): Promise<HubCounts | null> {
  return await reads.run(countHub).catch(() => null);
}
