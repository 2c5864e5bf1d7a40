import { z } from "zod";
import { deviceTypeSchema } from "./device.ts";
import { idSchema, timestampSchema } from "./event.ts";
import { deviceRowSchema } from "./resources/device.ts";

export const KEY_SCOPES = ["ingest", "read", "admin"] as const;
/** What a key may do: `ingest` writes events and sessions, `read` reads, `admin` does everything. */
export const keyScopeSchema = z.enum(KEY_SCOPES);
export type KeyScope = z.infer<typeof keyScopeSchema>;

/** How long a rotated key remains valid after its rotation, unless the request sets another time. */
export const ROTATION_GRACE_S = 24 * 60 * 60;
export const ROTATION_GRACE_MAX_S = 30 * ROTATION_GRACE_S;

const nameSchema = z.string().trim().min(1).max(200);
const instantSchema = z.iso.datetime({ offset: true });

/** A key as it is listed: never the key itself. */
export const apiKeySchema = z.object({
  id: z.string(),
  scope: keyScopeSchema,
  name: z.string().nullable(),
  device_id: z.string().nullable(),
  last4: z.string(),
  created_at: instantSchema,
  last_used_at: instantSchema.nullable(),
  expires_at: instantSchema.nullable(),
  revoked_at: instantSchema.nullable(),
  rotated_from: z.string().nullable(),
});
/** The answer that shows a key, once. */
export const createdKeySchema = apiKeySchema.extend({ key: z.string() });

/** POST /api/keys. A key with `device_id` can write only as that device. */
export const createKeySchema = z
  .strictObject({
    scope: keyScopeSchema,
    name: nameSchema.nullish(),
    device_id: idSchema.nullish(),
    expires_at: timestampSchema.nullish(),
  })
  .refine((key) => key.device_id == null || key.scope === "ingest", {
    error: "only an ingest key can be bound to a device",
    path: ["device_id"],
  });

/** POST /api/keys/:id/rotate. Without `expires_at` the successor lives as long as the old key was made to live. */
export const rotateKeySchema = z.strictObject({
  grace_seconds: z.number().int().min(0).max(ROTATION_GRACE_MAX_S).default(ROTATION_GRACE_S),
  expires_at: timestampSchema.nullish(),
});

/** What a person knows a key by. */
const namedKeySchema = apiKeySchema.pick({ name: true, scope: true, last4: true, device_id: true });
export type NamedKey = z.infer<typeof namedKeySchema>;

export const keyAuditSchema = z.object({
  id: z.string(),
  action: z.enum(["bootstrapped", "created", "rotated", "revoked", "code_created", "enrolled"]),
  key_id: z.string().nullable(),
  key: namedKeySchema.nullable(),
  /** `environment`, the name of a command, or `key` or `code` with an id. */
  actor: z.string(),
  /** The key of `actor`, if it is one. */
  actor_key: namedKeySchema.nullable(),
  request_id: z.string().nullable(),
  created_at: instantSchema,
});

/**
 * POST /api/devices/enrolment-codes. With `device_id`: a known device joins again, and keeps its history. `read`: the device also gets
 * a key with which it reads.
 */
export const createEnrolmentCodeSchema = z.strictObject({
  device_id: idSchema.nullish(),
  read: z.boolean().default(true),
});
export const enrolmentCodeSchema = z.object({
  code: z.string(),
  expires_at: instantSchema,
  /** To paste on the machine that joins, with this server's address as the request names it. */
  line: z.string(),
});

/** POST /api/devices/enrol: the code is the proof. */
export const enrolSchema = z.looseObject({
  code: z.string().min(1).max(100),
  name: nameSchema.nullish(),
  type: deviceTypeSchema.nullish(),
  hostname: nameSchema.nullish(),
  os: nameSchema.nullish(),
  arch: nameSchema.nullish(),
});

/** The answer to an enrolment: the keys are not shown again. */
export const enrolmentSchema = z.object({
  device: deviceRowSchema,
  key: z.string(),
  read_key: z.string().optional(),
  redaction_secret: z.string(),
});
export type Enrolment = z.infer<typeof enrolmentSchema>;

/** PATCH /api/devices/:id. */
export const deviceChangeSchema = z.strictObject({ name: nameSchema });

export type ApiKey = z.infer<typeof apiKeySchema>;
export type CreatedKey = z.infer<typeof createdKeySchema>;
export type KeyAudit = z.infer<typeof keyAuditSchema>;
export type EnrolmentCode = z.infer<typeof enrolmentCodeSchema>;
export type CreateKey = z.infer<typeof createKeySchema>;
export type RotateKey = z.infer<typeof rotateKeySchema>;
export type Enrol = z.infer<typeof enrolSchema>;
