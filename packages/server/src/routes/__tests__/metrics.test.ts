import { expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { Hono } from "hono";
import { requestVariables } from "../../__tests__/request-variables.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import type { AppEnv } from "../../http/request-context.ts";
import { createMeasurePool, measureFlush } from "../../metrics/measure.ts";
import { observeMigrations, observeQueue } from "../../metrics/observe.ts";
import { observeProcess } from "../../metrics/process-metrics.ts";
import { createServerMetrics } from "../../metrics/server-metrics.ts";
import { metricsRoutes } from "../metrics.ts";

const server = setupApp();
/** A line of Prometheus' text format. */
const SAMPLE = /^[a-z_]+(?:\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? -?[0-9.e+-]+$/;

async function scrape(): Promise<string> {
  const { status, body, headers } = await server.request("GET", "/metrics");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return body;
}

function sample(text: string, series: string): number {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

const eventOf = (id: string) => ({
  id,
  type: "system.heartbeat",
  timestamp: "2026-11-22T10:00:00Z",
  device_id: "d",
  workspace_id: "github.com/a/b",
  data: {},
});

test("what is ingested is counted by its result", async () => {
  const before = await scrape();
  const id = createUlid();
  await server.request("POST", "/api/events", { events: [eventOf(id), eventOf(id), eventOf("bad")] });
  const after = await scrape();
  for (const result of ["accepted", "duplicate", "rejected"]) {
    const series = `wharf_ingest_events_total{result="${result}"}`;
    expect([result, sample(after, series) - sample(before, series)]).toEqual([result, 1]);
  }
  expect(sample(after, "wharf_ingest_batches_total") - sample(before, "wharf_ingest_batches_total")).toBe(1);
});

test("requests are counted by the pattern of their route, and unknown paths together", async () => {
  await server.request("DELETE", "/api/keys/one");
  await server.request("DELETE", "/api/keys/two");
  await server.request("GET", "/api/made/up/1");
  await server.request("GET", "/api/made/up/2");
  const text = await scrape();
  expect(sample(text, 'wharf_http_requests_total{method="DELETE",route="/api/keys/:id",status="404"}')).toBe(
    2,
  );
  expect(sample(text, 'wharf_http_requests_total{method="GET",route="unmatched",status="404"}')).toBe(2);
  expect(sample(text, 'wharf_http_request_seconds_count{method="DELETE",route="/api/keys/:id"}')).toBe(2);
  expect(text).not.toContain("/api/keys/one");
});

test("a path that is a route of its own for one method counts as the other route for another", async () => {
  const series = 'wharf_http_requests_total{method="GET",route="/api/jobs/:id",status="404"}';
  await server.request("POST", "/api/jobs/retry", { filter: {} });
  const before = await scrape();
  expect((await server.request("GET", "/api/jobs/retry")).status).toBe(404);
  expect(sample(await scrape(), series) - sample(before, series)).toBe(1);
});

test("every result of ingest is there from the start", () => {
  const text = createServerMetrics().registry.text();
  for (const result of ["accepted", "duplicate", "rejected"])
    expect(text).toContain(`wharf_ingest_events_total{result="${result}"} 0`);
});

test("flushes, pools, the queue, migrations and the process are there, each line in Prometheus' format", async () => {
  const metrics = createServerMetrics();
  const { ingest, pools } = server.current();
  const measured = createMeasurePool(metrics)("interactive", 8)(pools.reads);
  observeQueue(metrics.registry, ingest.depth);
  observeMigrations(metrics.registry, () => ({ applied: 9, unknown: 0 }));
  const processMetrics = observeProcess(metrics.registry);
  await measured.run((sql) => sql`SELECT 1`);
  await measured.run((sql) => sql`SELECT no_such_column`).catch(() => undefined);
  await measureFlush((items: readonly number[]) => Promise.resolve([...items]), metrics)([1, 2]);
  await measureFlush(() => Promise.reject(new Error("away")), metrics)([1]).catch(() => undefined);
  const text = metrics.registry.text();
  processMetrics.stop();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of lines) expect(line).toMatch(SAMPLE);
  const expected: Record<string, number> = {
    'wharf_database_queries_total{pool="interactive",result="ok"}': 1,
    'wharf_database_queries_total{pool="interactive",result="failed"}': 1,
    'wharf_database_query_seconds_count{pool="interactive"}': 2,
    'wharf_database_queries_running{pool="interactive"}': 0,
    'wharf_database_pool_connections_max{pool="interactive"}': 8,
    'wharf_ingest_flush_seconds_count{result="ok"}': 1,
    'wharf_ingest_flush_seconds_count{result="failed"}': 1,
    wharf_ingest_flush_events_sum: 3,
    wharf_migrations_applied: 9,
  };
  for (const [series, value] of Object.entries(expected))
    expect([series, sample(text, series)]).toEqual([series, value]);
  for (const name of [
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "process_start_time_seconds",
  ])
    expect([name, sample(text, name) > 0]).toEqual([name, true]);
  expect(text).toContain("wharf_ingest_queue_events 0\n");
  expect(text).toMatch(/wharf_event_loop_lag_seconds [0-9]/);
});

test("the job engine's metrics follow the server's own", async () => {
  const app = new Hono<AppEnv>();
  app.use(requestVariables(server.current().access));
  app.route(
    "/metrics",
    metricsRoutes({ metrics: createServerMetrics(), jobMetrics: () => "jobs_total 1\n" }),
  );
  const request = new Request("http://localhost/metrics", {
    headers: { authorization: `Bearer ${server.key}` },
  });
  const response = await app.fetch(request);
  expect(await response.text()).toEndWith("\njobs_total 1\n");
});

test("docs/metrics.md names every metric", async () => {
  const metrics = createServerMetrics();
  createMeasurePool(metrics);
  observeQueue(metrics.registry, server.current().ingest.depth);
  observeMigrations(metrics.registry, () => ({ applied: 0, unknown: 0 }));
  observeProcess(metrics.registry).stop();
  const names = [...metrics.registry.text().matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? "");
  const documented = await Bun.file(`${import.meta.dir}/../../../../../docs/metrics.md`).text();
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
});

test("are compressed for clients that accept gzip", async () => {
  const headers = { authorization: `Bearer ${server.key}` };
  const plain = await server.current().app.request("/metrics", { headers });
  expect([plain.headers.get("content-encoding"), plain.headers.get("vary")]).toEqual([
    null,
    "Accept-Encoding",
  ]);
  const text = await plain.text();
  const { app } = server.current();
  const packed = await app.request("/metrics", { headers: { ...headers, "accept-encoding": "gzip" } });
  expect(packed.headers.get("content-encoding")).toBe("gzip");
  const bytes = new Uint8Array(await packed.arrayBuffer());
  expect(bytes.byteLength).toBeLessThan(text.length / 2);
  expect(new TextDecoder().decode(Bun.gunzipSync(bytes))).toContain(
    "# TYPE wharf_http_requests_total counter",
  );
});
