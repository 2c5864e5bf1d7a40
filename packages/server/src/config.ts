import { z } from "zod";
import { ConfigError } from "./errors.ts";
import { type Limits, readLimits } from "./limits.ts";

const ADMIN_KEY_CHARACTERS_MIN = 32;
const TRUSTED_PROXIES_MAX = 10;
/** Where an OTLP exporter looks by default. */
const DEFAULT_PORT = 4318;
/** A person may think, eat and come back; nobody keeps a session open and silent for longer than this. */
const DEFAULT_SESSION_IDLE_MINUTES = 180;

const optionalText = z.preprocess((value) => (value === "" ? undefined : value), z.string().optional());
const flag = z.preprocess((value) => value === "1" || value === "true", z.boolean());
const originList = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ""),
  )
  .pipe(
    z.array(
      z.string().regex(/^https?:\/\/[^/?#\s]+$/, { error: "must be origins like https://wharf.example.com" }),
    ),
  );
/** Names that the platforms set by themselves. */
const RAILWAY_MARKER = "RAILWAY_ENVIRONMENT_NAME";

const environmentSchema = z.object({
  DATABASE_URL: optionalText,
  DATABASE_DIRECT_URL: optionalText,
  USE_ADVISORY_LOCKS: flag,
  PORT: z.coerce.number().int().min(0).max(65_535).default(DEFAULT_PORT),
  HOST: z.string().min(1).default("::"),
  WHARF_ADMIN_KEY: optionalText.pipe(
    z
      .string()
      .min(ADMIN_KEY_CHARACTERS_MIN, { error: `must have at least ${ADMIN_KEY_CHARACTERS_MIN} characters` })
      .optional(),
  ),
  WHARF_DATA_DIR: z.string().min(1).default(".wharf"),
  BLOB_URL: optionalText,
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  WHARF_SESSION_IDLE_MINUTES: z.coerce.number().positive().default(DEFAULT_SESSION_IDLE_MINUTES),
  WHARF_ROLE: z.enum(["all", "server", "worker"]).default("all"),
  WHARF_WORKER_MODE: z.enum(["run", "inspect"]).default("run"),
  WHARF_CORS_ORIGINS: originList,
  WHARF_TRUSTED_PROXIES: z.preprocess(
    (value) => (value === "" ? undefined : value),
    z.coerce.number().int().min(0).max(TRUSTED_PROXIES_MAX).optional(),
  ),
  NODE_ENV: optionalText,
  [RAILWAY_MARKER]: optionalText,
});

export type Config = {
  databaseUrl: string | undefined;
  /** Goes past a pooler: for the migrator and for LISTEN. */
  databaseDirectUrl: string | undefined;
  useAdvisoryLocks: boolean;
  port: number;
  host: string;
  adminKey: string | undefined;
  dataDir: string;
  blobUrl: string | undefined;
  logLevel: string;
  /** Silence after which an open session is ended. */
  sessionIdleMs: number;
  role: "all" | "server" | "worker";
  /** `inspect`: show jobs, but claim none. */
  workerMode: "run" | "inspect";
  isProduction: boolean;
  /** Pages of these origins may call the API from a browser. */
  corsOrigins: readonly string[];
  /** How many proxies stand before the server; Railway's is one. */
  trustedProxies: number;
  limits: Limits;
};

/** The whole environment, checked once. Throws ConfigError that names each variable and what is wrong with it. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const reasons = parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`).join("; ");
    throw new ConfigError(`The environment is not usable: ${reasons}.`, "CONFIG_INVALID");
  }
  const values = parsed.data;
  const isRailway = values[RAILWAY_MARKER] !== undefined;
  return {
    databaseUrl: values.DATABASE_URL,
    databaseDirectUrl: values.DATABASE_DIRECT_URL,
    useAdvisoryLocks: values.USE_ADVISORY_LOCKS,
    port: values.PORT,
    host: values.HOST,
    adminKey: values.WHARF_ADMIN_KEY,
    dataDir: values.WHARF_DATA_DIR,
    blobUrl: values.BLOB_URL,
    logLevel: values.LOG_LEVEL,
    sessionIdleMs: values.WHARF_SESSION_IDLE_MINUTES * 60_000,
    role: values.WHARF_ROLE,
    workerMode: values.WHARF_WORKER_MODE,
    isProduction: values.NODE_ENV === "production" || isRailway,
    corsOrigins: values.WHARF_CORS_ORIGINS,
    trustedProxies: values.WHARF_TRUSTED_PROXIES ?? (isRailway ? 1 : 0),
    limits: readLimits(environment),
  };
}
