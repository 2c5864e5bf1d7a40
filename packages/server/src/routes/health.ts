import { healthSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import type { HealthProbe } from "../db/health-probe.ts";
import { operation } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { Readiness } from "../readiness.ts";
import { VERSION } from "../version.ts";

export type HealthDependencies = {
  readiness: Readiness;
  health: HealthProbe;
  /** Whether the claims of the job engine are overdue; absent in a process without jobs. */
  jobsLate?: () => boolean;
};

const tag = "Server";
const probeSchema = z.object({ status: z.string() });

const live = operation({
  scopes: [],
  tag,
  summary: "Liveness: the process runs",
  responses: { 200: probeSchema },
  example: { status: 200 },
});

const ready = operation({
  scopes: [],
  tag,
  summary: "Readiness: the database is migrated and reachable, and takes writes",
  responses: { 200: probeSchema, 503: probeSchema },
  example: { status: 200 },
});

const health = operation({
  scopes: [],
  tag,
  summary: "State of the server; 503 only when its database is unavailable",
  responses: { 200: healthSchema, 503: healthSchema },
  example: { status: 200 },
});

/** /health/live and /health/ready. A worker is ready only while its jobs are claimed in time. */
export function probeRoutes({
  readiness,
  health: probe,
  jobsLate = () => false,
}: HealthDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/live", live, (c) => c.json({ status: "ok" }));

  routes.get("/ready", ready, async function getReady(c) {
    const phase = readiness.phase();
    if (phase !== "ready") return c.json({ status: phase }, 503);
    const db = await probe.check();
    if (!db.ok) return c.json({ status: "database_away" }, 503);
    return jobsLate() ? c.json({ status: "jobs_late" }, 503) : c.json({ status: "ready" });
  });

  return routes;
}

/** GET /api/health: 503 only when the database is down. */
export function healthRoutes({
  readiness,
  health: probe,
  jobsLate = () => false,
}: HealthDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", health, async function getHealth(c) {
    const db = await probe.check();
    const phase = readiness.phase();
    const jobs = { ok: phase === "ready" && !jobsLate() };
    const lacksStandby = db.replication?.mode === "synchronous" && db.replication.standbys === 0;
    const status = !db.ok ? "unhealthy" : jobs.ok && !lacksStandby ? "ok" : "degraded";
    const uptime_seconds = readiness.uptime_seconds();
    return c.json({ status, checks: { db, jobs }, uptime_seconds, version: VERSION }, db.ok ? 200 : 503);
  });

  return routes;
}
