import { Hono } from "hono";
import type { HealthProbe } from "../db/health-probe.ts";
import type { AppEnv } from "../http/context.ts";
import { publicRoute } from "../http/scopes.ts";
import type { Readiness } from "../readiness.ts";
import { VERSION } from "../version.ts";

export type HealthDependencies = { readiness: Readiness; health: HealthProbe };

/** At the root, without a key: `live` says that the process runs, `ready` that it is migrated and reaches its database. */
export function probeRoutes({ readiness, health }: HealthDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/live", publicRoute, (c) => c.json({ status: "ok" }));

  routes.get("/ready", publicRoute, async function getReady(c) {
    const phase = readiness.phase();
    if (phase !== "ready") return c.json({ status: phase }, 503);
    const db = await health.check();
    return db.ok ? c.json({ status: "ready" }) : c.json({ status: "database_away" }, 503);
  });

  return routes;
}

/** GET /api/health: 503 only when the database is down. */
export function healthRoutes({ readiness, health }: HealthDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/", publicRoute, async function getHealth(c) {
    const db = await health.check();
    const phase = readiness.phase();
    const status = !db.ok ? "unhealthy" : phase === "ready" ? "ok" : "degraded";
    const uptime_seconds = readiness.uptime_seconds();
    return c.json(
      { status, checks: { db, jobs: { ok: phase === "ready" } }, uptime_seconds, version: VERSION },
      db.ok ? 200 : 503,
    );
  });

  return routes;
}
