import { certificateProblem } from "./certificate-problem.ts";
import type { Compress } from "./compression.ts";
import { HubError, TIMED_OUT, UNEXPECTED_RESPONSE, UNREACHABLE } from "./hub-error.ts";

export type QueryValue = string | number | boolean | readonly string[] | null | undefined;
export type Query = Readonly<Record<string, QueryValue>>;

export type HubRequest = {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Query;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is; combined with `headers`, not with `json`. */
  body?: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | Blob;
  headers?: Readonly<Record<string, string>>;
  /** Replaces the client's time limit; 0: none. */
  timeoutMs?: number;
  signal?: AbortSignal;
};

export type Http = {
  readonly compress: Compress | null;
  /** The response, with a status below 400. Throws HubError. */
  send(path: string, request?: HubRequest): Promise<Response>;
  /**
   * The response's JSON, an object; null for a response without content. The type is the one that the hub's API document states: only
   * `isAnswer` checks it, which then requires content. Throws HubError.
   */
  json<T>(path: string, request?: HubRequest, isAnswer?: (value: Partial<T>) => boolean): Promise<T>;
};

export type HttpOptions = {
  url: string;
  key: string | null;
  fetch: typeof fetch;
  timeoutMs: number;
  compress: Compress | null;
};

const ERROR_TEXT_CHARACTERS_MAX = 300;
/** Of JSON and errors. What is larger is read as a stream. */
const TEXT_CHARACTERS_MAX = 64 * 1024 * 1024;

export function createHttp({ url, key, fetch: send, timeoutMs, compress }: HttpOptions): Http {
  const base = url.replace(/\/+$/, "");

  async function request(path: string, given: HubRequest = {}): Promise<Response> {
    const { method = "GET", query = {}, json, body, headers = {} } = given;
    const limitMs = given.timeoutMs ?? timeoutMs;
    const signals = [
      ...(given.signal === undefined ? [] : [given.signal]),
      ...(limitMs === 0 ? [] : [AbortSignal.timeout(limitMs)]),
    ];
    // Node has AbortSignal.any since 20.3.
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    const sent = json === undefined ? body : JSON.stringify(json);
    const response = await send(`${base}${path}${queryText(query)}`, {
      method,
      // Another host must not get what was meant for this one.
      redirect: "manual",
      headers: {
        accept: "application/json",
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
      ...(signal === undefined ? {} : { signal }),
      ...(sent instanceof ReadableStream ? { duplex: "half" } : {}),
    }).catch((error: unknown) => {
      throw noResponse(base, error, limitMs);
    });
    if (!response.ok) throw await refusal(base, response);
    return response;
  }

  async function json<T>(
    path: string,
    given: HubRequest = {},
    isAnswer?: (value: Partial<T>) => boolean,
  ): Promise<T> {
    const response = await request(path, given);
    if (response.status === 204 && isAnswer === undefined) return null as T;
    const text = await readText(response).catch((error: unknown) => {
      throw noResponse(base, error, given.timeoutMs ?? timeoutMs);
    });
    const value = parsed(text);
    if (typeof value !== "object" || value === null || isAnswer?.(value) === false)
      throw notAHub(base, response);
    return value as T;
  }

  return { compress, send: request, json };
}

/** Values that are null, undefined or empty are left out; the hub ignores empty ones. */
function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    parameters.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function noResponse(base: string, error: unknown, limitMs: number): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === "AbortError") return error;
  const isTimeout = error.name === "TimeoutError";
  const message = isTimeout
    ? `${base} did not respond within ${limitMs / 1000} s.`
    : `${base} is not reachable: ${reasonOf(error)}.`;
  return new HubError({ message, code: isTimeout ? TIMED_OUT : UNREACHABLE, status: null, cause: error });
}

/** Node wraps the reason of a failed fetch into "fetch failed". */
function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : null;
  if (code !== null) return certificateProblem(code) ?? code;
  return cause.message.replace(/\.$/, "");
}

/** Empty when it is longer than any of the API. */
async function readText({ body }: Response): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true });
    if (text.length <= TEXT_CHARACTERS_MAX) continue;
    await reader.cancel();
    return "";
  }
  return text + decoder.decode();
}

async function refusal(base: string, response: Response): Promise<HubError> {
  const { status } = response;
  const location = response.headers.get("location");
  if (status >= 300 && status < 400 && location !== null && URL.canParse(location, base)) {
    const message = `${base} redirects to ${new URL(location, base).origin}. Use the address of the hub itself.`;
    return new HubError({ message, code: UNEXPECTED_RESPONSE, status });
  }
  const text = await readText(response).catch(() => "");
  const retryAfterMs = retryAfter(response.headers.get("retry-after"));
  const body = parsed(text);
  if (!isProblem(body)) {
    if (status >= 500) {
      const message = `${base} responded with status ${status}: ${text.trim().slice(0, ERROR_TEXT_CHARACTERS_MAX)}`;
      return new HubError({ message, code: UNEXPECTED_RESPONSE, status, retryAfterMs, body });
    }
    return notAHub(base, response);
  }
  return new HubError({ message: detailOf(body), code: body.code, status, retryAfterMs, body });
}

function notAHub(base: string, { status }: Response): HubError {
  const message = `${base} is not a Wharf hub: its response (status ${status}) is not of the API.`;
  return new HubError({ message, code: UNEXPECTED_RESPONSE, status });
}

type ProblemBody = { code: string; detail: string; errors?: { pointer: string; detail: string }[] };

function isProblem(body: unknown): body is ProblemBody {
  if (typeof body !== "object" || body === null) return false;
  return (
    "code" in body && typeof body.code === "string" && "detail" in body && typeof body.detail === "string"
  );
}

function detailOf({ detail, errors = [] }: ProblemBody): string {
  const [first] = errors;
  // Some details name the first error already.
  if (first === undefined || detail.includes(first.detail)) return detail;
  return `${detail} (${first.pointer}: ${first.detail})`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Seconds, or a date. */
function retryAfter(header: string | null): number | null {
  if (header === null) return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
