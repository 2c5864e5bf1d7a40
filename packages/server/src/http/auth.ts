import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./context.ts";
import { ProblemError } from "./problem.ts";

/** Lets in requests with `Authorization: Bearer <admin key>`. A missing and a wrong key get the same answer. */
export function requireAdminKey(adminKey: string): MiddlewareHandler<AppEnv> {
  const expected = digest(adminKey);
  return async function checkAdminKey(c, next) {
    const match = /^Bearer ([^\s]+)$/i.exec(c.req.header("authorization") ?? "");
    if (match?.[1] === undefined || !timingSafeEqual(digest(match[1]), expected)) {
      throw new ProblemError({
        status: 401,
        code: "AUTH_REQUIRED",
        detail: "A valid key is required: send it as Authorization: Bearer <key>.",
        headers: { "www-authenticate": "Bearer" },
      });
    }
    await next();
  };
}

/** Digests have one length, so the comparison takes the same time for every key. */
function digest(text: string): Buffer {
  return new Bun.CryptoHasher("sha256").update(text).digest();
}
