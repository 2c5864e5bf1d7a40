import type { Hono } from "hono";
import { OverloadError } from "../errors.ts";
import { mayHoldStoredJson, withStoredJson } from "../json/stored-json.ts";
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { Readiness } from "../readiness.ts";
import { createBodyMemory } from "./body-memory.ts";
import type { RequestAddresses } from "./client-address.ts";
import { type Access, type AppEnv, bodyOwner, type Exchange, giveBackBody } from "./context.ts";
import { countRequest } from "./count-requests.ts";
import { INTERNAL, problemOf, problemResponse } from "./problem.ts";
import { createRequestLog, requestIdOf } from "./request-log.ts";
import { createResponseHeaders } from "./response-headers.ts";
import { createResponseMemory, type SendResponse } from "./response-memory.ts";

export type EveryRequestOptions = {
  access: Access;
  logger: Logger;
  metrics: ServerMetrics;
  limits: Limits;
  /** How many proxies stand before the server. */
  trustedProxies: number;
  readiness: Readiness;
};

/** A smaller body, unless it is compressed, holds too few events for a large response. */
const BATCH_BYTES_MIN = 8 * 1024;

export type Answered = { request: Request; exchange: Exchange; response: Response };

/**
 * What every request has in common: an id, access for its guard, and afterwards headers, a count and a line in the log. Around
 * Hono and not in it: a route with a single handler needs none of what Hono puts between handlers, which cost every event
 * that comes alone 6 of 76 µs.
 */
export function answerEveryRequest(app: Hono<AppEnv>, options: EveryRequestOptions): void {
  const { access, logger, metrics, limits, readiness } = options;
  const log = createRequestLog(logger, access.withoutAdminKey);
  const addHeaders = createResponseHeaders(options);
  const route = app.fetch;
  const bodyMemory = createBodyMemory({
    bytes_max: limits.body_memory_bytes,
    refusal: () => {
      metrics.refusals.add(1, "body_memory");
      return bodyMemoryFull();
    },
  });
  const send = createResponseMemory({
    limits,
    onRefusal: () => metrics.refusals.add(1, "response_memory"),
  });

  async function fetch(request: Request, server: RequestAddresses | null): Promise<Response> {
    const requestId = requestIdOf(request, access.withoutAdminKey);
    const phase = readiness.phase();
    const exchange: Exchange = {
      requestId,
      access,
      server,
      phase,
      caller: null,
      route: null,
      rateLimit: null,
      bodyMemory,
      bodyBytes: 0,
      isAnswered: false,
    };
    const startedAt = performance.now();
    const made = await route(request, exchange);
    const response = mayHoldStoredJson() ? await writeStoredJson(made) : made;
    const answered = {
      request,
      exchange,
      response: mayBeLarge(request) ? await sendOrRefuse(send, response, exchange, request) : response,
    };
    giveBackBody(exchange);
    addHeaders(answered);
    const duration_ms = performance.now() - startedAt;
    countRequest(metrics, answered, duration_ms);
    log(answered, startedAt, duration_ms);
    return answered.response;
  }

  app.fetch = (request, server) => fetch(request, isServer(server) ? server : null);
}

/** What is read, and a batch with a result for each event. A promise more would cost every event that comes alone. */
function mayBeLarge({ method, headers }: Request): boolean {
  if (method === "GET" || headers.has("content-encoding")) return true;
  return Number(headers.get("content-length") ?? BATCH_BYTES_MIN) >= BATCH_BYTES_MIN;
}

async function sendOrRefuse(
  send: SendResponse,
  response: Response,
  exchange: Exchange,
  request: Request,
): Promise<Response> {
  try {
    return await send(response, bodyOwner(exchange));
  } catch (error) {
    return problemResponse(new URL(request.url).pathname, exchange.requestId, problemOf(error) ?? INTERNAL);
  }
}

function bodyMemoryFull(): OverloadError {
  return new OverloadError(
    "The memory for request bodies is used up: retry later, or send smaller requests.",
    "BODY_MEMORY_FULL",
  );
}

async function writeStoredJson(response: Response): Promise<Response> {
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return isJson ? new Response(withStoredJson(await response.text()), response) : response;
}

function isServer(candidate: object | undefined): candidate is RequestAddresses {
  return candidate !== undefined && "requestIP" in candidate;
}
