import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type BlobLocation, parseBlobUrl } from "./blobs/blob-location.ts";
import { CONNECTIONS_DEFAULT, CONNECTIONS_MAX, CONNECTIONS_MIN } from "./db/pool-sizes.ts";
import { ConfigError } from "./errors.ts";
import { isSendableKey } from "./keys/api-key.ts";
import { type Limits, readLimits } from "./limits.ts";
import type { SummaryEndpoint } from "./summaries/ask-model.ts";

const ADMIN_KEY_CHARACTERS_MIN = 32;
const TRUSTED_PROXIES_MAX = 10;
/** Where an OTLP exporter looks by default. */
const DEFAULT_PORT = 4318;
const PORT_MAX = 65_535;
const DEFAULT_DATABASE_WAIT_S = 60;
const DATABASE_WAIT_S_MAX = 3_600;
/** Above LAST_HEARD_INTERVAL_S, or sessions that speak would be ended. */
const SESSION_IDLE_MINUTES_MIN = 1;
const DEFAULT_SESSION_IDLE_MINUTES = 180;

const QUOTED = /^(["'])(.*)\1$/s;
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

const ON_WORDS = ["1", "true", "yes", "on"];
const OFF_WORDS = ["0", "false", "no", "off"];

const optionalText = z.string().optional();
const switchWord = z
  .string()
  .toLowerCase()
  .pipe(
    z.enum([...ON_WORDS, ...OFF_WORDS], {
      error: `must be one of ${[...ON_WORDS, ...OFF_WORDS].join(", ")}`,
    }),
  )
  .transform((word) => ON_WORDS.includes(word));
const flag = switchWord.default(false);

function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

/** One of the words, in upper or lower case. */
function word<const Words extends [string, ...string[]]>(...words: Words) {
  return z
    .string()
    .toLowerCase()
    .pipe(z.enum(words, { error: `must be one of ${words.join(", ")}` }));
}

/** As it is sent: without the line break at the end of a file, and the quotes that a shell would take off. */
const adminKey = z
  .string()
  .trim()
  .transform((text) => QUOTED.exec(text)?.[2] ?? text)
  .pipe(
    z
      .string()
      .min(ADMIN_KEY_CHARACTERS_MIN, { error: `must have at least ${ADMIN_KEY_CHARACTERS_MIN} characters` })
      .refine(isSendableKey, {
        error: "must consist of printable ASCII characters without spaces",
      }),
  );

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
  READ_DATABASE_URL: optionalText,
  WHARF_PGBOUNCER: switchWord.optional(),
  WHARF_DB_CONNECTIONS: wholeNumber(CONNECTIONS_MIN, CONNECTIONS_MAX).default(CONNECTIONS_DEFAULT),
  WHARF_DATABASE_WAIT_S: wholeNumber(0, DATABASE_WAIT_S_MAX).default(DEFAULT_DATABASE_WAIT_S),
  USE_ADVISORY_LOCKS: flag,
  PORT: wholeNumber(0, PORT_MAX).default(DEFAULT_PORT),
  HOST: z.string().default("::"),
  WHARF_ADMIN_KEY: adminKey.optional(),
  WHARF_DATA_DIR: z.string().default(".wharf"),
  BLOB_URL: optionalText,
  AWS_ACCESS_KEY_ID: optionalText,
  AWS_SECRET_ACCESS_KEY: optionalText,
  AWS_SESSION_TOKEN: optionalText,
  AWS_REGION: optionalText,
  AWS_ENDPOINT_URL: optionalText,
  LOG_LEVEL: word("trace", "debug", "info", "warn", "error", "fatal", "silent").default("info"),
  WHARF_SESSION_IDLE_MINUTES: z.coerce
    .number()
    .min(SESSION_IDLE_MINUTES_MIN)
    .default(DEFAULT_SESSION_IDLE_MINUTES),
  WHARF_ROLE: word("all", "server", "worker").default("all"),
  WHARF_WORKER_MODE: word("run", "inspect").default("run"),
  WHARF_CORS_ORIGINS: originList,
  WHARF_TRUSTED_PROXIES: wholeNumber(0, TRUSTED_PROXIES_MAX).optional(),
  WHARF_SUMMARY_URL: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).optional(),
  WHARF_SUMMARY_API_KEY: optionalText,
  WHARF_SUMMARY_MODEL: optionalText,
  WHARF_COMMAND_JOBS: flag,
  WHARF_COMMAND_DIR: optionalText,
  WHARF_COMMAND_UNBOUNDED: flag,
  PATH: z.string().default(DEFAULT_PATH),
  NODE_ENV: optionalText,
  [RAILWAY_MARKER]: optionalText,
});

/** Set by the platform or the shell, not in Wharf's configuration. */
const PLATFORM_VARIABLES = ["PATH", RAILWAY_MARKER];
/** The names that `.env.example` explains; besides them there are the limits, WHARF_LIMIT_…. */
export const SETTINGS = Object.keys(environmentSchema.shape).filter(
  (name) => !PLATFORM_VARIABLES.includes(name),
);

export type Config = {
  databaseUrl: string | undefined;
  /** Goes past a pooler: for the migrator and for LISTEN. */
  databaseDirectUrl: string | undefined;
  /** A replica for reads. */
  readDatabaseUrl: string | undefined;
  /** Whether DATABASE_URL is a pooler in transaction mode; undefined: found out at the start. */
  isPooled: boolean | undefined;
  /** Connections to the database that this process may open. */
  databaseConnections: number;
  /** How long a start waits for a database that is unavailable. */
  databaseWaitMs: number;
  useAdvisoryLocks: boolean;
  port: number;
  host: string;
  adminKey: string | undefined;
  dataDir: string;
  blobs: BlobLocation;
  logLevel: string;
  /** Silence after which an open session is ended. */
  sessionIdleMs: number;
  role: "all" | "server" | "worker";
  /** Where a model summarizes sessions; null: summaries are plain lists. */
  summaryEndpoint: SummaryEndpoint | null;
  /** Jobs that run commands on this machine; null unless they are switched on. */
  commandJobs: { folder: string; path: string; allowUnbounded: boolean } | null;
  /** `inspect`: show jobs, but claim none. */
  workerMode: "run" | "inspect";
  isProduction: boolean;
  isDevelopment: boolean;
  /** Pages of these origins may call the API from a browser. */
  corsOrigins: readonly string[];
  /** How many proxies stand before the server; Railway's is one. */
  trustedProxies: number;
  limits: Limits;
};

/**
 * The whole environment, checked once; an empty or blank variable counts as unset.
 * Throws ConfigError that names each variable and what is wrong with it.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.entries(environment).filter(([, value]) => value?.trim());
  const parsed = environmentSchema.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const reasons = parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`).join("; ");
    throw new ConfigError(`Invalid environment: ${reasons}.`, "CONFIG_INVALID");
  }
  const values = parsed.data;
  const isRailway = values[RAILWAY_MARKER] !== undefined;
  return {
    databaseUrl: values.DATABASE_URL,
    databaseDirectUrl: values.DATABASE_DIRECT_URL,
    readDatabaseUrl: values.READ_DATABASE_URL,
    isPooled: values.WHARF_PGBOUNCER,
    databaseConnections: values.WHARF_DB_CONNECTIONS,
    databaseWaitMs: values.WHARF_DATABASE_WAIT_S * 1000,
    useAdvisoryLocks: values.USE_ADVISORY_LOCKS,
    port: values.PORT,
    host: values.HOST,
    adminKey: values.WHARF_ADMIN_KEY,
    dataDir: values.WHARF_DATA_DIR,
    blobs: parseBlobUrl(values.BLOB_URL, {
      accessKeyId: values.AWS_ACCESS_KEY_ID,
      secretAccessKey: values.AWS_SECRET_ACCESS_KEY,
      sessionToken: values.AWS_SESSION_TOKEN,
      region: values.AWS_REGION,
      endpoint: values.AWS_ENDPOINT_URL,
    }),
    logLevel: values.LOG_LEVEL,
    sessionIdleMs: values.WHARF_SESSION_IDLE_MINUTES * 60_000,
    role: values.WHARF_ROLE,
    summaryEndpoint: summaryEndpointOf(values),
    commandJobs: values.WHARF_COMMAND_JOBS
      ? {
          folder: values.WHARF_COMMAND_DIR ?? defaultCommandFolder(),
          path: values.PATH,
          allowUnbounded: values.WHARF_COMMAND_UNBOUNDED,
        }
      : null,
    workerMode: values.WHARF_WORKER_MODE,
    isDevelopment: values.NODE_ENV === "development",
    isProduction: values.NODE_ENV === "production" || isRailway,
    corsOrigins: values.WHARF_CORS_ORIGINS,
    trustedProxies: values.WHARF_TRUSTED_PROXIES ?? (isRailway ? 1 : 0),
    limits: readLimits(environment),
  };
}

type SummaryValues = {
  [name in "WHARF_SUMMARY_URL" | "WHARF_SUMMARY_API_KEY" | "WHARF_SUMMARY_MODEL"]?: string | undefined;
};

function summaryEndpointOf(values: SummaryValues): SummaryEndpoint | null {
  const { WHARF_SUMMARY_URL: url, WHARF_SUMMARY_MODEL: model, WHARF_SUMMARY_API_KEY: apiKey } = values;
  if (url === undefined) return null;
  if (model !== undefined) return { url, model, apiKey: apiKey?.trim() ?? null };
  throw new ConfigError(
    "Invalid environment: WHARF_SUMMARY_MODEL must be set when WHARF_SUMMARY_URL is.",
    "CONFIG_INVALID",
  );
}

/** Not in our own data folder: a program in it would take our repository, and our package.json, for its own. */
function defaultCommandFolder(): string {
  return join(tmpdir(), `wharf-commands-${process.getuid?.() ?? "user"}`);
}
