import { z } from "zod";
import { JOB_STATES } from "./admin-store.ts";
import { JobOptionError } from "./errors.ts";
import { instantText } from "./instant.ts";
import { isStorable } from "./storable-json.ts";

/** Characters of a job's type, a queue, a schedule, a step, an event or a worker. */
export const NAME_MAX_LENGTH = 200;
/** Characters of an idempotency, replace, concurrency or event key: with a name it fits into an index of Postgres. */
export const KEY_MAX_LENGTH = 400;
/** The maximum of a timer of the runtime and of a Postgres integer: 24.8 days. */
export const TIMEOUT_MAX_MS = 2_147_483_647;
/** The maximum of delays and sleeps: a hundred years. */
export const DELAY_MAX_MS = 3_153_600_000_000;
const INTEGER_MAX = 2_147_483_647;
const SMALLINT_MIN = -32_768;
const SMALLINT_MAX = 32_767;
const PAGE_MAX = 100_000;
const CONCURRENCY_MAX = 10_000;
const RETENTION_MAX_DAYS = 36_500;
const ID = /^(0|[1-9]\d{0,18})$/;
const ID_MAX = "9223372036854775807";

const text = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine(isStorable, "holds a NUL character or half of a surrogate pair: leave it out");
const name = text(NAME_MAX_LENGTH).min(1);
const key = text(KEY_MAX_LENGTH).min(1);
const jobId = z.string().refine(isJobId, "must be a text of digits, at most 64 bits");
const token = z
  .string()
  .regex(/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i, "is not the token of a lease: a UUID");
const instant = z.custom<Date | string>(isInstant, "is not a valid Date or ISO 8601 text with a time zone");
const priority = z.int().min(SMALLINT_MIN).max(SMALLINT_MAX);
const attempts = z.int().min(1).max(INTEGER_MAX);
const timeoutMs = z.int().min(1).max(TIMEOUT_MAX_MS);
const delayMs = z.number().min(-DELAY_MAX_MS).max(DELAY_MAX_MS);
const concurrencyLimit = z.int().min(1).max(SMALLINT_MAX);
const concurrency = z.int().min(1).max(CONCURRENCY_MAX);
const days = z.int().min(0).max(RETENTION_MAX_DAYS);
const limit = z.int().min(0).max(PAGE_MAX);
const lease = z.looseObject({ jobId, token });
/** Checked individually, and a token shared by a batch only once: a schema of arrays costs ten times as much per job. */
const leases = z.custom<readonly { jobId: string; token: string }[]>(
  areLeases,
  "is no list of job ids (digits alone) with their tokens (UUIDs)",
);
const claim = { workerId: name, leaseMs: timeoutMs };

/** All options of the engine and the stores, with the same limits and errors in each store. */
export const OPTIONS = {
  jobId,
  name,
  limit,
  lease,
  leaseMs: timeoutMs,
  leases,
  delayMs: delayMs.min(0),
  backoff: z.looseObject({
    baseMs: delayMs.min(0).optional(),
    maxMs: delayMs.min(0).optional(),
    factor: z.number().min(0).optional(),
    jitter: z.number().min(0).max(1).optional(),
  }),
  eventAddress: z.looseObject({ name, key: text(KEY_MAX_LENGTH) }),
  event: z.looseObject({ name, key: text(KEY_MAX_LENGTH), id: key.optional() }),
  waits: z.array(
    z.looseObject({
      name,
      event: z.looseObject({ name, key: text(KEY_MAX_LENGTH) }).optional(),
      until: instant.optional(),
      forMs: delayMs.min(0).optional(),
    }),
  ),
  newJob: z.looseObject({
    queue: name,
    type: name,
    payload: z.string(),
    priority: priority.optional(),
    runAt: instant.nullish(),
    delayMs: delayMs.optional(),
    maxAttempts: attempts.optional(),
    timeoutMs: timeoutMs.optional(),
    idempotencyKey: key.optional(),
    replaceKey: key.optional(),
    // Claims read the waiting keys after the empty string, and would never find it.
    concurrencyKey: key.optional(),
    concurrencyLimit: concurrencyLimit.optional(),
  }),
  reserve: z.looseObject({
    ...claim,
    queue: name,
    limit,
    types: z.array(name).optional(),
    maxRecoveries: z.int().min(0).optional(),
  }),
  handOver: z.looseObject({ ...claim, token }),
  reserveOne: z.looseObject(claim),
  retry: z.looseObject({
    error: z.string(),
    runAt: z.union([instant, z.literal(0)]).nullish(),
    delayMs: delayMs.optional(),
  }),
  page: z.looseObject({ limit, before: jobId.optional() }),
  deadLetterPage: z.looseObject({ limit, after: jobId.optional() }),
  logPage: z.looseObject({ limit, after: z.int().min(0).max(INTEGER_MAX).optional() }),
  // Strict: without a misspelt field, a filter would match every job.
  filter: z.strictObject({
    states: z.array(z.enum(JOB_STATES)).optional(),
    queue: z.string().optional(),
    exceptQueue: z.string().optional(),
    type: z.string().optional(),
    concurrencyKey: z.string().optional(),
    ids: z.array(jobId).optional(),
    createdAfter: instant.optional(),
    createdBefore: instant.optional(),
  }),
  change: z.looseObject({ runAt: instant.nullish(), priority: priority.optional() }),
  retention: z.looseObject({ archiveDays: days, idempotencyKeyDays: days, eventDays: days.optional() }),
  job: z.looseObject({
    name,
    queue: name.optional(),
    maxAttempts: attempts.optional(),
    timeoutMs: timeoutMs.optional(),
    expectedRunMs: z.number().min(0).optional(),
    priority: priority.optional(),
    concurrency: z.looseObject({ limit: concurrencyLimit.optional() }).optional(),
  }),
  runner: z.looseObject({
    workerId: name.optional(),
    concurrency: concurrency.optional(),
    queues: z.record(name, concurrency).optional(),
    leaseMs: timeoutMs.optional(),
    leaseMarginMs: z.number().optional(),
    statementDeadlineMs: timeoutMs.optional(),
    maxAttempts: attempts.optional(),
    maxRecoveries: z.int().min(0).max(INTEGER_MAX).optional(),
    backoffBaseMs: z.number().min(0).max(TIMEOUT_MAX_MS).optional(),
    maxBackoffMs: z.number().min(0).max(TIMEOUT_MAX_MS).optional(),
    stuckFactor: z.number().gt(0).optional(),
    archiveDays: days.optional(),
    idempotencyKeyDays: days.optional(),
    eventDays: days.optional(),
  }),
} as const;

/** For each schema, the last valid value of each field. */
const valid = new WeakMap<z.ZodObject, Map<string, unknown>>();

/** Throws JobOptionError with the first violated rule, never with the value. */
export function checkOption(what: string, schema: z.ZodType, value: unknown): void {
  if (schema instanceof z.ZodObject && !isStrict(schema) && isRecord(value) && hasValidFields(schema, value))
    return;
  const result = schema.safeParse(value);
  if (result.success) return;
  const [issue] = result.error.issues;
  const path = issue?.path.filter((step) => typeof step === "string").join(".") ?? "";
  throw new JobOptionError(`${what}: ${path === "" ? "" : `${path}: `}${issue?.message ?? "is invalid"}.`);
}

function isStrict(schema: z.ZodObject): boolean {
  return schema.def.catchall instanceof z.ZodNever;
}

/** Parses only the fields that changed since the last call: parsing all took 0.3 of the 1.2 ms of CPU time of a hand-over. */
function hasValidFields(schema: z.ZodObject, value: Readonly<Record<string, unknown>>): boolean {
  const known = valid.get(schema) ?? new Map<string, unknown>();
  valid.set(schema, known);
  for (const key in schema.shape) {
    const given = value[key];
    if (known.has(key) && known.get(key) === given) continue;
    if (schema.shape[key]?.safeParse(given).success !== true) return false;
    if (isKept(given)) known.set(key, given);
  }
  return true;
}

/** An object may change, and a payload is too large to keep. */
function isKept(value: unknown): boolean {
  return typeof value === "string" ? value.length <= KEY_MAX_LENGTH : typeof value !== "object";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isInstant(value: unknown): boolean {
  if (!(value instanceof Date) && typeof value !== "string") return false;
  try {
    instantText(value);
    return true;
  } catch {
    return false;
  }
}

function areLeases(value: unknown): boolean {
  let known: unknown;
  return (
    Array.isArray(value) &&
    value.every((held: { jobId?: unknown; token?: unknown } | null) => {
      if (held === null) return false;
      if (held.token !== known && !token.safeParse(held.token).success) return false;
      known = held.token;
      return typeof held.jobId === "string" && isJobId(held.jobId);
    })
  );
}

function isJobId(id: string): boolean {
  return ID.test(id) && (id.length < ID_MAX.length || id <= ID_MAX);
}
