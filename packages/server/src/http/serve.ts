import { errorCode } from "../db/database-errors.ts";
import { ConfigError } from "../errors.ts";
import { within } from "../waits.ts";
import type { RequestAddresses } from "./client-address.ts";
import { INTERNAL, problemResponse } from "./problem.ts";

export type HttpServer = {
  port: number;
  /** Takes no new connection, lets requests under way finish for `grace_ms`, then cuts the rest. */
  stop(grace_ms: number): Promise<void>;
};

export type ServeOptions = {
  host: string;
  port: number;
  /** Told of what went wrong outside the app, under the id that the sender was given. */
  onError?: (error: unknown, requestId: string) => void;
};

/** What is served: a Hono app, for one. */
export type Answering = { fetch(request: Request, server: RequestAddresses): Response | Promise<Response> };

/** A connection on which nothing moves for this long is closed. */
const CONNECTION_IDLE_S = 60;
/** Above the largest body of any route; each route refuses its own limit earlier, with an answer. */
const REQUEST_BODY_BYTES_MAX = 256 * 1024 * 1024;
const UNNAMED_HOST = "localhost";
const ANY_ADDRESS = "::";
const ANY_IPV4_ADDRESS = "0.0.0.0";
const REASONS: Readonly<Record<string, { code: string; message: (port: number) => string }>> = {
  EADDRINUSE: {
    code: "CONFIG_PORT_IN_USE",
    message: (port) => `Port ${port} is in use: stop what listens there, or set PORT to another one.`,
  },
  EACCES: {
    code: "CONFIG_PORT_FORBIDDEN",
    message: (port) =>
      `This user may not listen on port ${port} (EACCES): set PORT to a port above 1023, or grant the right to this one.`,
  },
};

/** Listens on host and port. Throws ConfigError when that address cannot be had. */
export function serve(app: Answering, options: ServeOptions): HttpServer {
  const server = listen(app, options);

  async function stop(grace_ms: number): Promise<void> {
    await within(server.stop(), grace_ms);
    await server.stop(true);
  }

  return { port: server.port ?? options.port, stop };
}

/** Throws ConfigError when that address cannot be had: asked before a database is made and started for nothing. */
export async function requireFreeAddress(options: ServeOptions): Promise<void> {
  const nothing = { fetch: () => new Response(null, { status: 404 }) };
  await listen(nothing, options).stop(true);
}

/**
 * Without a Host, as HTTP/1.0 allows, a request's URL is its path alone, in which everything behind it would look for the path
 * after a host: `/1234567/api/keys` would be taken for `/api/keys`.
 */
function answer(app: Answering, request: Request, server: RequestAddresses) {
  if (!request.url.startsWith("/")) return app.fetch(request, server);
  const whole = new Request(`http://${UNNAMED_HOST}${request.url}`, request);
  return app.fetch(whole, { requestIP: () => server.requestIP(request) });
}

/** Instead of Bun's page, which tells where the program lies. */
function answerFailure(error: unknown, { onError }: ServeOptions): Response {
  const requestId = crypto.randomUUID();
  onError?.(error, requestId);
  return problemResponse("/", requestId, INTERNAL);
}

function listen(app: Answering, options: ServeOptions) {
  const { host, port } = options;
  const settings = {
    port,
    // In development Bun writes each stream that fails, as of a client that does not read, to stderr.
    development: false,
    fetch: (request: Request, server: RequestAddresses) => answer(app, request, server),
    error: (error: unknown) => answerFailure(error, options),
    idleTimeout: CONNECTION_IDLE_S,
    maxRequestBodySize: REQUEST_BODY_BYTES_MAX,
  };
  try {
    return listenOn(host, (hostname) => Bun.serve({ ...settings, hostname }));
  } catch (error) {
    throw addressError(errorCode(error) ?? "unknown", host, port);
  }
}

/** A machine without IPv6 has no "::". */
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
    ? new ConfigError(`Cannot listen on ${host}:${port} (${code}): check HOST and PORT.`, "CONFIG_ADDRESS")
    : new ConfigError(reason.message(port), reason.code);
}
