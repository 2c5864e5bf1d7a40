import { z } from "zod";
import { deviceTypeSchema } from "../device.ts";
import { deviceReportSchema } from "../device-report.ts";
import { json, nullableText, text, time } from "./fields.ts";
import { sessionTotalsSchema } from "./session-totals.ts";

/** A device without the totals of its sessions. */
export const deviceRowSchema = z.looseObject({
  id: text,
  name: text,
  type: deviceTypeSchema,
  hostname: nullableText,
  os: nullableText,
  arch: nullableText,
  status: z.enum(["online", "offline", "provisioning", "terminated"]),
  metadata: json,
  first_seen_at: time,
  last_seen_at: time,
});
export type DeviceRow = z.infer<typeof deviceRowSchema>;

export const deviceSchema = deviceRowSchema.extend({
  ...sessionTotalsSchema.shape,
  workspace_count: z.number(),
  /** Of its client; null: it has sent none. */
  report: deviceReportSchema.nullable(),
  /** Its transcript files that are kept here, by their size on the device. */
  held: z.object({
    files: z.number(),
    bytes: z.number(),
    /** When its agents delete the next of them there. */
    next_deletion_at: time.nullable(),
  }),
});
export type Device = z.infer<typeof deviceSchema>;

/** A file that the device's agent is about to delete. */
export const nextDeletionSchema = z.object({
  session_id: text,
  /** Its title, or the beginning of its first prompt. */
  session_title: nullableText,
  agent: text,
  file: text,
  deletes_at: time,
  /** Of the file on the device, as far as it is kept here. */
  held_bytes: z.number(),
});
export type NextDeletion = z.infer<typeof nextDeletionSchema>;
