import { z } from "zod";
import { retentionSchema } from "./retention.ts";

const bytes = z.number();
const bytesPerDay = z.number().nullable();

/** GET /api/storage. Sizes are in bytes, with indexes; rows are the database's estimates. */
export const storageSchema = z.object({
  database: z.object({
    bytes,
    /** From the oldest of the daily samples of 30 days; null: there is none that is old enough. */
    bytes_per_day: bytesPerDay,
  }),
  /** Where the embedded database lies; null for a database elsewhere. */
  disk: z
    .object({
      free_bytes: bytes,
      total_bytes: bytes,
      /** At the database's growth; null: it does not grow, or its growth is unknown. */
      days_to_full: z.number().nullable(),
    })
    .nullable(),
  /** Largest first. */
  tables: z.array(
    z.object({
      name: z.string(),
      rows: z.number(),
      bytes,
      index_bytes: bytes,
      bytes_per_day: bytesPerDay,
    }),
  ),
  /** Oldest first. */
  samples: z.array(z.object({ day: z.string(), bytes })),
  blobs: z.object({
    kind: z.enum(["postgres", "directory", "s3"]),
    /** Null where blobs are kept elsewhere than in Postgres. */
    count: z.number().nullable(),
    bytes: bytes.nullable(),
  }),
  /** As devices hold them, and after redaction, both uncompressed. */
  transcripts: z.object({ files: z.number(), source_bytes: bytes, stored_bytes: bytes }),
  retention: z.object({
    /** Those that do not keep everything forever. */
    workspaces: z.array(retentionSchema.extend({ workspace_id: z.string(), workspace_name: z.string() })),
    /** Hours for which other tables keep their rows. */
    table_hours: z.record(z.string(), z.number()),
  }),
});
export type Storage = z.infer<typeof storageSchema>;
