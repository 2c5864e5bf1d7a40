/** Values that explain an error in a log: never a secret, a payload or SQL. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | null>>;

export type WharfErrorOptions = { context?: ErrorContext; cause?: unknown };

/**
 * Every error of ours. `code` is stable (AREA_REASON), `message` states the cause and the remedy,
 * and neither ever holds a connection string, a key or a payload.
 */
export class WharfError extends Error {
  readonly code: string;
  readonly context: ErrorContext;

  constructor(message: string, code: string, options: WharfErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.context = options.context ?? {};
  }
}

/** The database: missing, away, too slow, full, or refusing. */
export class StorageError extends WharfError {}

/** The environment holds something that we cannot start with. */
export class ConfigError extends WharfError {}

/** A request that cannot be taken as it is. */
export class ValidationError extends WharfError {}

/** The server is at a limit; the same request may succeed later. */
export class OverloadError extends WharfError {}
