import { z } from "zod";
import { json, nullableNumber, nullableText, text, time } from "./fields.ts";

export const REMOTE_ENV_STATUSES = [
  "provisioning",
  "ready",
  "active",
  "idle",
  "terminated",
  "error",
] as const;

export const remoteEnvSchema = z.looseObject({
  id: text,
  workspace_id: text,
  device_id: nullableText,
  status: z.enum(REMOTE_ENV_STATUSES),
  instance_id: nullableText,
  instance_type: text,
  region: text,
  public_ip: nullableText,
  ssh_key_s3_key: nullableText,
  blueprint: json,
  ttl_minutes: z.number(),
  idle_timeout_minutes: z.number(),
  cost_per_hour_usd: nullableNumber,
  total_cost_usd: nullableNumber,
  provisioned_at: time,
  ready_at: time.nullable(),
  terminated_at: time.nullable(),
  termination_reason: nullableText,
  metadata: json,
});
export type RemoteEnv = z.infer<typeof remoteEnvSchema>;
