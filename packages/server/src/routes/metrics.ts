import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { requireScope } from "../http/scopes.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";

const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

export type MetricsDependencies = {
  metrics: ServerMetrics;
  /** Metrics of the job engine, in the same format. */
  jobMetrics?: () => string;
};

/** GET /metrics, at the root: what Prometheus scrapes. */
export function metricsRoutes({ metrics, jobMetrics }: MetricsDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/", requireScope("read"), function getMetrics(c) {
    const text = metrics.registry.text() + (jobMetrics?.() ?? "");
    return c.body(text, 200, { "content-type": PROMETHEUS_TEXT });
  });

  return routes;
}
