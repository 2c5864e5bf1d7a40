import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { acceptsGzip } from "../http/gzip.ts";
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
    const headers = { "content-type": PROMETHEUS_TEXT, vary: "Accept-Encoding" };
    return acceptsGzip(c.req.header("accept-encoding"))
      ? c.body(Bun.gzipSync(text), 200, { ...headers, "content-encoding": "gzip" })
      : c.body(text, 200, headers);
  });

  return routes;
}
