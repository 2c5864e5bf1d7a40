type Parameters = ReadonlyMap<string, string>;

/** Settings of Postgres with their own parameters; others are set by `options=-c name=value`. */
const SETTINGS = [
  "application_name",
  "options",
  "search_path",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  "TimeZone",
];
/** Read by the other modules of this folder. */
const READ = [
  ...["host", "port", "user", "password", "dbname", "connect_timeout", "target_session_attrs"],
  ...["ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword"],
  ...["keepalives", "keepalives_idle", "pgbouncer", "prepare"],
];
/** Values that match the default behaviour. */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ["prefer", "disable"],
  gssencmode: ["prefer", "disable"],
  client_encoding: ["UTF8", "utf8", "auto"],
  schema: ["public"],
};

/** Settings of Postgres for each session. */
export function settingsOf(parameters: Parameters): Record<string, string> {
  return Object.fromEntries(
    [...parameters].filter(([name, value]) => SETTINGS.includes(name) && value !== ""),
  );
}

/** The names of parameters that have no effect, in their order. */
export function ignoredOf(parameters: Parameters): string[] {
  const known = new Set([...SETTINGS, ...READ]);
  return [...parameters]
    .filter(([name, value]) => !known.has(name) && value !== "" && DEFAULTS[name]?.includes(value) !== true)
    .map(([name]) => name);
}

/** Seconds between keepalives of a connection; 0: none. */
export function keepAliveOf(parameters: Parameters): { keep_alive?: number } {
  if (parameters.get("keepalives") === "0") return { keep_alive: 0 };
  const seconds = Number(parameters.get("keepalives_idle"));
  return seconds > 0 ? { keep_alive: seconds } : {};
}

/** Transaction pooling, as Prisma's connection strings name it. */
export function isPooled(parameters: Parameters): boolean {
  return parameters.get("pgbouncer") === "true";
}

/** Prepared statements do not work with transaction pooling. */
export function prepareOf(parameters: Parameters): { prepare?: false } {
  return isPooled(parameters) || parameters.get("prepare") === "false" ? { prepare: false } : {};
}
