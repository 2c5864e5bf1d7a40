import type { SendDeviceReport } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";

/** Keeps the latest report of a device. False for an unknown device. */
export async function putDeviceReport(sql: Sql, report: SendDeviceReport): Promise<boolean> {
  const { device_id, sent_at, ...facts } = report;
  const rows = await sql`
    INSERT INTO device_reports (device_id, reported_at, clock_skew_ms, facts)
    SELECT id, now(), round(extract(epoch FROM ${sent_at}::timestamptz - clock_timestamp()) * 1000), ${JSON.stringify(facts)}::text::jsonb
    FROM devices WHERE id = ${device_id}
    ON CONFLICT (device_id) DO UPDATE SET
      reported_at = excluded.reported_at, clock_skew_ms = excluded.clock_skew_ms, facts = excluded.facts
    RETURNING device_id`;
  return rows.length > 0;
}
