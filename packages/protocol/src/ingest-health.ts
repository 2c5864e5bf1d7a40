import { z } from "zod";
import { pageSchema } from "./page.ts";

const count = z.number().int().nonnegative();
const instantSchema = z.iso.datetime({ offset: true });

/** GET /api/ingest/health: the last hour, on every replica, but for `process`, which is the one that answers. */
export const ingestHealthSchema = z.object({
  window_minutes: count,
  /** Minutes without a flush are left out. */
  minutes: z.array(z.object({ minute: instantSchema, events: count, flushes: count })),
  /** Within the window: events that were refused, and those that were stored with a note, also of devices that are unknown. */
  rejected: count,
  odd: count,
  devices: z.array(
    z.object({
      device_id: z.string(),
      device_name: z.string(),
      last_event_at: instantSchema,
      lag_ms_median: z.number(),
      lag_ms_max: z.number(),
      events_per_minute: z.number(),
      /** The device's clock minus the hub's, by its client's last report; null: none. */
      clock_skew_ms: z.number().nullable(),
      /** Events that were refused, and those that were stored with a note. */
      rejected: count,
      odd: count,
    }),
  ),
  notes: z.array(
    z.object({
      device_id: z.string().nullable(),
      kind: z.string(),
      detail: z.string().nullable(),
      count,
      last_at: instantSchema,
    }),
  ),
  /** Stored events that are not projected yet, on every replica. */
  projections: z.object({
    waiting: count,
    /** Projecting them has failed; they are retried. */
    failed: count,
    /** Projecting them has failed too often. */
    set_aside: count,
    /** Of failed events, the most frequent first. */
    reasons: z.array(z.object({ reason: z.string(), events: count })),
  }),
  process: z.object({
    accepted: count,
    duplicates: count,
    rejected: count,
    queue: z.object({
      events: count,
      bytes: count,
      flushes_in_flight: count,
      events_max: count,
      bytes_max: count,
    }),
  }),
});
export type IngestHealth = z.infer<typeof ingestHealthSchema>;

export const ingestNoteSchema = z.object({
  id: z.string(),
  event_id: z.string().nullable(),
  device_id: z.string().nullable(),
  kind: z.string(),
  detail: z.string().nullable(),
  /** Only for an admin key: what was sent may hold anything. */
  body: z.string().nullable().optional(),
  created_at: instantSchema,
});
export type IngestNote = z.infer<typeof ingestNoteSchema>;
export const ingestNotesSchema = pageSchema.extend({ notes: z.array(ingestNoteSchema) });
