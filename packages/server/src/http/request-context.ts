import type { MiddlewareHandler } from "hono";
import { OverloadError } from "../errors.ts";
import { mayHoldStoredJson, withStoredJson } from "../json/stored-json.ts";
import type { Limits } from "../limits.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import type { Readiness } from "../readiness.ts";
import { createBodyMemory } from "./body-memory.ts";
import { type Access, type AppEnv, releaseBodyBytes } from "./context.ts";

export type RequestContextOptions = {
  access: Access;
  limits: Limits;
  metrics: ServerMetrics;
  readiness: Readiness;
};

/** A UUID; keys are longer, except an admin key of the environment, which may have 32 characters. */
const REQUEST_ID_PATTERN = /^(?!.*wharf_)[A-Za-z0-9_-]{8,36}$/i;

/** Middleware: sets the variables that every route and the other middleware read. */
export function requestContext(options: RequestContextOptions): MiddlewareHandler<AppEnv> {
  const { access, limits, metrics, readiness } = options;
  const memory = createBodyMemory({
    bytes_max: limits.body_memory_bytes,
    refusal: () => {
      metrics.refusals.add(1, "body_memory");
      return bodyMemoryFull();
    },
  });

  return async function setRequestContext(c, next) {
    c.set("requestId", requestIdOf(c.req.header("x-request-id"), access));
    c.set("access", access);
    c.set("limits", limits);
    c.set("phase", readiness.phase());
    c.set("bodyUse", { memory, bytes: 0, isReleased: false });
    await next();
    releaseBodyBytes(c);
  };
}

/** Middleware: puts JSON from the database that was not parsed into the response (see StoredJson). */
export const writeStoredJson: MiddlewareHandler<AppEnv> = async function writeStoredJson(c, next) {
  await next();
  if (!mayHoldStoredJson()) return;
  const { res } = c;
  if (!res.headers.get("content-type")?.startsWith("application/json")) return;
  // Else Hono would copy the response, to add the headers of the one that it replaces.
  c.res = undefined;
  c.res = new Response(withStoredJson(await res.text()), res);
};

function bodyMemoryFull(): OverloadError {
  return new OverloadError(
    "The memory for request bodies is used up: retry later, or send smaller requests.",
    "BODY_MEMORY_FULL",
  );
}

/** The client's own X-Request-Id where it is usable and is no key, else a new one. */
function requestIdOf(sent: string | undefined, { withoutAdminKey }: Access): string {
  if (sent === undefined || !REQUEST_ID_PATTERN.test(sent)) return crypto.randomUUID();
  return withoutAdminKey(sent) === sent ? sent : crypto.randomUUID();
}
