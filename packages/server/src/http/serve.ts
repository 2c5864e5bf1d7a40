import { errorCode } from "../db/database-errors.ts";
import { ConfigError } from "../errors.ts";
import { within } from "../waits.ts";
import type { RequestAddresses } from "./client-address.ts";
import { INTERNAL, problemResponse } from "./problem.ts";

export type HttpServer = {
  port: number;
  /** Accepts no new connections, waits up to `graceMs` for open requests, then closes their connections. */
  stop(graceMs: number): Promise<void>;
};

export type ServeOptions = {
  host: string;
  port: number;
  /** Called for errors outside the app, with the request id of the response. */
  onError?: (error: unknown, requestId: string) => void;
};

/** What is served, such as a Hono app. */
export type Served = { fetch(request: Request, server: RequestAddresses): Response | Promise<Response> };

/** Idle connections are closed after this time. */
const CONNECTION_IDLE_S = 60;
/** Above the limit of every route, which responds with 413; here Bun closes the connection. */
const REQUEST_BODY_BYTES_MAX = 256 * 1024 * 1024;
const UNNAMED_HOST = "localhost";
const ANY_ADDRESS = "::";
const ANY_IPV4_ADDRESS = "0.0.0.0";
const REASONS: Readonly<Record<string, { code: string; message: (port: number) => string }>> = {
  EADDRINUSE: {
    code: "CONFIG_PORT_IN_USE",
    message: (port) => `Port ${port} is in use. Stop the other program, or set PORT to another one.`,
  },
  EACCES: {
    code: "CONFIG_PORT_FORBIDDEN",
    message: (port) =>
      `This user may not listen on port ${port} (EACCES). Set PORT to a port above 1023, or grant the right to this one.`,
  },
};

/** Listens on host and port. Throws ConfigError when the address is not available. */
export function serve(app: Served, options: ServeOptions): HttpServer {
  const server = listen(app, options);

  async function stop(graceMs: number): Promise<void> {
    await within(server.stop(), graceMs);
    await server.stop(true);
  }

  return { port: server.port ?? options.port, stop };
}

/** Throws ConfigError when the address is not available. Checked before a database is created and started. */
export async function requireFreeAddress(options: ServeOptions): Promise<void> {
  const nothing = { fetch: () => new Response(null, { status: 404 }) };
  await listen(nothing, options).stop(true);
}

/**
 * Adds a host to the URL of a request without a Host header (HTTP/1.0): Hono would otherwise take the first segment of the path for
 * the host, and `/1234567/api/keys` for `/api/keys`.
 */
function fetchFrom(app: Served, request: Request, server: RequestAddresses) {
  if (!request.url.startsWith("/")) return app.fetch(request, server);
  const whole = new Request(`http://${UNNAMED_HOST}${request.url}`, request);
  return app.fetch(whole, { requestIP: () => server.requestIP(request) });
}

/** Replaces Bun's error page, which shows paths of the program. */
function respondToFailure(error: unknown, { onError }: ServeOptions): Response {
  const requestId = crypto.randomUUID();
  onError?.(error, requestId);
  return problemResponse("/", requestId, INTERNAL);
}

function listen(app: Served, options: ServeOptions) {
  const { host, port } = options;
  const settings = {
    port,
    // In development mode, Bun logs every failed stream, such as one to a client that does not read, to stderr.
    development: false,
    fetch: (request: Request, server: RequestAddresses) => fetchFrom(app, request, server),
    error: (error: unknown) => respondToFailure(error, options),
    idleTimeout: CONNECTION_IDLE_S,
    maxRequestBodySize: REQUEST_BODY_BYTES_MAX,
  };
  try {
    return listenOn(host, (hostname) => Bun.serve({ ...settings, hostname }));
  } catch (error) {
    throw addressError(errorCode(error) ?? "unknown", host, port);
  }
}

/** "::" fails on a machine without IPv6. */
function listenOn<T>(host: string, open: (host: string) => T): T {
  try {
    return open(host);
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (host !== ANY_ADDRESS || REASONS[code] !== undefined) throw error;
    return open(ANY_IPV4_ADDRESS);
  }
}

/** Why Bun could not listen, by the code of its error. */
export function addressError(code: string, host: string, port: number): ConfigError {
  const reason = REASONS[code];
  return reason === undefined
    ? new ConfigError(`Cannot listen on ${host}:${port} (${code}). Check HOST and PORT.`, "CONFIG_ADDRESS")
    : new ConfigError(reason.message(port), reason.code);
}
