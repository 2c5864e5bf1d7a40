import { JobOptionError } from "@wharf/job-runner";
import { PROBLEM_CONTENT_TYPE, type Problem } from "@wharf/protocol";
import { RedactionTimeError } from "@wharf/redaction";
import {
  errorCode,
  isForeignKeyViolation,
  isLocked,
  isOutOfSpace,
  isRetryableConflict,
  isUnavailable,
} from "../db/database-errors.ts";
import { OverloadError, StorageError, ValidationError } from "../errors.ts";

export type ProblemOptions = {
  status: number;
  code: string;
  detail: string;
  /** The short text for clients of earlier versions; by default the detail. */
  error?: string;
  errors?: { pointer: string; detail: string }[];
  headers?: Record<string, string>;
  /** Extension members of the response (RFC 9457). */
  extensions?: Readonly<Record<string, unknown>>;
};

/** An error with its response. Thrown by routes and middleware; `answerError` creates the response. */
export class ProblemError extends Error {
  readonly options: ProblemOptions;

  constructor(options: ProblemOptions) {
    super(options.detail);
    this.name = "ProblemError";
    this.options = options;
  }
}

export const RETRY_AFTER_S = 1;

/** For unexpected errors. */
export const INTERNAL: ProblemOptions = {
  status: 500,
  code: "INTERNAL",
  detail: "Internal error. The server log contains the cause under this request_id.",
};

/** character_not_in_repertoire: of what JSON can hold, Postgres refuses only NUL. */
const UNSTORABLE_CHARACTER = "22021";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
  507: "Insufficient Storage",
};

/** RFC 9457. `requestId` is also in the X-Request-Id header and in the log. */
export function problemResponse(path: string, requestId: string, options: ProblemOptions): Response {
  const title = TITLES[options.status] ?? "Error";
  const problem: Problem = {
    ...options.extensions,
    type: `about:blank#${options.code}`,
    title,
    status: options.status,
    detail: options.detail,
    instance: path,
    code: options.code,
    request_id: requestId,
    error: options.error ?? options.detail,
    ...(options.errors === undefined ? {} : { errors: options.errors }),
  };
  return new Response(JSON.stringify(problem), {
    status: options.status,
    headers: { "content-type": PROBLEM_CONTENT_TYPE, "x-request-id": requestId, ...options.headers },
  });
}

/** The only mapping of errors to responses. Null: an unexpected error, which is logged and answered with 500. */
export function problemOf(error: unknown): ProblemOptions | null {
  const retry = { "retry-after": String(RETRY_AFTER_S) };
  if (error instanceof ProblemError) return error.options;
  if (error instanceof OverloadError) {
    return { status: 429, code: error.code, detail: error.message, headers: retry };
  }
  if (error instanceof RedactionTimeError)
    return { status: 422, code: "REDACTION_TOO_SLOW", detail: error.message };
  if (error instanceof ValidationError) return { status: 400, code: error.code, detail: error.message };
  // Accepted by the schemas of the routes, refused by the job engine.
  if (error instanceof JobOptionError)
    return { status: 400, code: "VALIDATION_FAILED", detail: error.message };
  if (errorCode(error) === UNSTORABLE_CHARACTER) {
    return {
      status: 400,
      code: "TEXT_UNSTORABLE",
      detail: "The request contains a NUL character, which Postgres cannot store in text.",
    };
  }
  if (isOutOfSpace(error)) {
    return {
      status: 507,
      code: "STORAGE_FULL",
      detail:
        "The database or the blob store has no space left. Nothing was acknowledged: free space, then retry.",
      headers: retry,
    };
  }
  if (isUnavailable(error) || isRetryableConflict(error) || isLocked(error)) {
    return {
      status: 503,
      code: error instanceof StorageError ? error.code : "STORAGE_UNAVAILABLE",
      detail: "Database unavailable or timed out. Nothing was acknowledged; retrying is safe.",
      headers: retry,
    };
  }
  return null;
}

export function notFound(what: string): ProblemError {
  const error = `${what.charAt(0).toUpperCase()}${what.slice(1)} not found`;
  return new ProblemError({ status: 404, code: "NOT_FOUND", detail: `${error}.`, error });
}

/**
 * Without `Connection: close`: Bun reads and discards the rest of the body, so that a client that sends before it reads receives
 * the response. With it, the connection is reset while the client sends.
 */
export function bodyTooLarge(bytes_max: number, state: "as sent" | "decompressed"): ProblemError {
  return new ProblemError({
    status: 413,
    code: "BODY_TOO_LARGE",
    detail: `Request body exceeds ${bytes_max} bytes ${state}. Send smaller requests.`,
  });
}

/** A field or parameter that names a row which does not exist; `detail` follows its name. */
export function referenceUnknown(pointer: string, detail: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: "REFERENCE_UNKNOWN",
    detail: `${pointer}: ${detail}`,
    errors: [{ pointer, detail }],
  });
}

/** Runs `work`; throws ProblemError 400 when the body refers to a row that does not exist. */
export async function withKnownReferences<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error;
    throw new ProblemError({
      status: 400,
      code: "REFERENCE_UNKNOWN",
      detail: "The body refers to a workspace or device that does not exist.",
    });
  }
}
