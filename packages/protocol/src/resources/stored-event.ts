import { z } from "zod";
import { json, nullableText, text, time } from "./fields.ts";

export const storedEventSchema = z.looseObject({
  id: text,
  type: text,
  timestamp: time,
  device_id: text,
  workspace_id: text,
  session_id: nullableText,
  data: json,
  blob_refs: z.array(z.unknown()),
  ingested_at: time,
});
export type StoredEvent = z.infer<typeof storedEventSchema>;
