import { Hono } from "hono";
import type { HealthProbe } from "../db/health-probe.ts";
import type { AppEnv } from "../http/context.ts";
import { publicRoute } from "../http/scopes.ts";
import type { Readiness } from "../readiness.ts";
import { VERSION } from "../version.ts";

export type HealthDependencies = {
  readiness: Readiness;
  health: HealthProbe;
  /** True while the job engine's claims have had no answer for too long; absent: it runs none. */
  jobsLate?: () => boolean;
};

/**
 * At the root, without a key: `live` says that the process runs, `ready` that it is migrated and reaches its database, and, in a
 * process that has nothing but jobs to do, that these are claimed.
 */
export function probeRoutes({ readiness, health, jobsLate = () => false }: HealthDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/live", publicRoute, (c) => c.json({ status: "ok" }));

  routes.get("/ready", publicRoute, async function getReady(c) {
    const phase = readiness.phase();
    if (phase !== "ready") return c.json({ status: phase }, 503);
    const db = await health.check();
    if (!db.ok) return c.json({ status: "database_away" }, 503);
    return jobsLate() ? c.json({ status: "jobs_late" }, 503) : c.json({ status: "ready" });
  });

  return routes;
}

/** GET /api/health: 503 only when the database is down. */
export function healthRoutes({ readiness, health, jobsLate = () => false }: HealthDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/", publicRoute, async function getHealth(c) {
    const db = await health.check();
    const phase = readiness.phase();
    const jobs = { ok: phase === "ready" && !jobsLate() };
    const status = !db.ok ? "unhealthy" : jobs.ok ? "ok" : "degraded";
    const uptime_seconds = readiness.uptime_seconds();
    return c.json({ status, checks: { db, jobs }, uptime_seconds, version: VERSION }, db.ok ? 200 : 503);
  });

  return routes;
}
