import { DEVICE_REPORT_BYTES_MAX, sendDeviceReportSchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { putDeviceReport } from "../db/edits/device-reports.ts";
import { seeDevice } from "../db/projections/devices.ts";
import { requireDevice } from "../http/caller.ts";
import { readPlainJson, storable } from "../http/json.ts";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withoutControlCharacters } from "../json/clean-value.ts";
import type { Limits } from "../limits.ts";

export type DeviceFactsDependencies = { edits: Database; limits: Limits };

const report = operation({
  scopes: ["ingest"],
  tag: "Devices",
  summary: "Report the facts of a device; the latest report is kept",
  description: `The body has at most ${DEVICE_REPORT_BYTES_MAX / 1024} KB, uncompressed. Clients report at most once per hour.`,
  rawBody: { schema: sendDeviceReportSchema, contentTypes: ["application/json"] },
  responses: { 204: null },
  problems: { 404: "The device is unknown." },
  example: {
    status: 204,
    body: {
      device_id: "laptop",
      sent_at: "2026-11-22T10:00:00Z",
      client_version: "0.1.0",
      hooks: [{ name: "claude-code", runs: 50, median_ms: 3.9, p99_ms: 7.2 }],
      agents: [
        { agent: "claude-code", files: 214, bytes: 801_443_210, next_deletion_at: "2026-11-29T10:00:00Z" },
      ],
    },
  },
});

/** POST /api/devices/facts. */
export function deviceFactsRoutes({ edits, limits }: DeviceFactsDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/facts", report, async function postFacts(c) {
    const bounded = { ...limits, body_bytes: DEVICE_REPORT_BYTES_MAX };
    const sent = await readPlainJson(c, storable(sendDeviceReportSchema), bounded);
    requireDevice(c, sent.device_id);
    const device_id = withoutControlCharacters(sent.device_id);
    const isKnown = await edits.run((sql) => putDeviceReport(sql, { ...sent, device_id }));
    if (!isKnown) throw notFound("device");
    await edits.run((sql) => seeDevice(sql, device_id));
    return c.body(null, 204);
  });

  return routes;
}
