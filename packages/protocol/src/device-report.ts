import { z } from "zod";
import { idSchema, timestampSchema } from "./event.ts";

const NAME_CHARACTERS_MAX = 200;
const HOOKS_MAX = 50;
const AGENTS_MAX = 50;
/** Of the body of a report. */
export const DEVICE_REPORT_BYTES_MAX = 64 * 1024;

const name = z.string().min(1).max(NAME_CHARACTERS_MAX);
const count = z.number().int().nonnegative();
const ms = z.number().nonnegative();

/** What a client measures on its device. */
const facts = {
  client_version: name,
  /** The time that a hook takes; empty: none is installed. */
  hooks: z.array(z.object({ name, runs: count, median_ms: ms, p99_ms: ms })).max(HOOKS_MAX),
  /** The transcripts of each agent on the device, sent or not. */
  agents: z
    .array(
      z.object({
        agent: name,
        files: count,
        bytes: count,
        /** When the agent deletes the next of them; null: never. */
        next_deletion_at: timestampSchema.nullable(),
      }),
    )
    .max(AGENTS_MAX),
};

/** POST /api/devices/facts. `sent_at`: the device's clock when it sends. */
export const sendDeviceReportSchema = z.object({ device_id: idSchema, sent_at: timestampSchema, ...facts });
export type SendDeviceReport = z.infer<typeof sendDeviceReportSchema>;

/** The latest report of a device. */
export const deviceReportSchema = z.object({
  reported_at: z.string(),
  /** The device's clock minus the hub's. */
  clock_skew_ms: z.number(),
  ...facts,
});
