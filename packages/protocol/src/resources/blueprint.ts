import { z } from "zod";
import { json, nullableText, text, time } from "./fields.ts";

export const blueprintSchema = z.looseObject({
  id: text,
  workspace_id: nullableText,
  name: text,
  source: z.enum(["auto-detected", "manual"]),
  detected_from: nullableText,
  config: json,
  created_at: time,
  updated_at: time,
});
export type Blueprint = z.infer<typeof blueprintSchema>;
