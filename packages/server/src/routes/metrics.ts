import { Hono } from "hono";
import { operation } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";

const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

/** One entry of Accept-Encoding. */
const OFFER = /^\s*(gzip|x-gzip|\*)\s*(?:;\s*q\s*=\s*([\d.]+)\s*)?$/i;

export type MetricsDependencies = {
  metrics: ServerMetrics;
  /** Metrics of the job engine, in the same format. */
  jobMetrics?: () => string;
};

const read = operation({
  scopes: ["read"],
  tag: "Server",
  summary: "Metrics in the format of Prometheus",
  responses: { 200: { contentType: "text/plain" } },
  example: { status: 200 },
});

/** GET /metrics, at the root: what Prometheus scrapes. */
export function metricsRoutes({ metrics, jobMetrics }: MetricsDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", read, function getMetrics(c) {
    const text = metrics.registry.text() + (jobMetrics?.() ?? "");
    const headers = { "content-type": PROMETHEUS_TEXT, vary: "Accept-Encoding" };
    return acceptsGzip(c.req.header("accept-encoding"))
      ? c.body(Bun.gzipSync(text), 200, { ...headers, "content-encoding": "gzip" })
      : c.body(text, 200, headers);
  });

  return routes;
}

/** Whether a client takes gzip, by its Accept-Encoding header. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const offers = (acceptEncoding ?? "").split(",").map((offer) => OFFER.exec(offer));
  const named = offers.find((offer) => offer !== null && offer[1] !== "*");
  const offer = named ?? offers.find((candidate) => candidate !== null);
  return offer !== undefined && offer !== null && Number(offer[2] ?? 1) > 0;
}
