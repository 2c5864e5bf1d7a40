import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { COOKIE_LIFE_S } from "../keys/sign-in-secret.ts";
import { ProblemError } from "./problem.ts";
import { publicOrigin } from "./public-origin.ts";

export const SIGN_IN_COOKIE = "wharf_sign_in";
const READING_METHODS = new Set(["GET", "HEAD"]);

/** The cookie of a browser that is signed in. */
export function signInCookie(c: Context): string | null {
  return getCookie(c, cookieName(c)) ?? null;
}

/** For this browser and this origin only; no script can read it. */
export function setSignInCookie(c: Context, secret: string): void {
  setCookie(c, cookieName(c), secret, { ...attributes(c), maxAge: COOKIE_LIFE_S });
}

export function clearSignInCookie(c: Context): void {
  deleteCookie(c, cookieName(c), attributes(c));
}

/** With the port, if the address has one: browsers send a cookie to all ports of a host, so to every hub there. */
function cookieName(c: Context): string {
  const { port } = new URL(publicOrigin(c));
  return port === "" ? SIGN_IN_COOKIE : `${SIGN_IN_COOKIE}_${port}`;
}

function attributes(c: Context) {
  return {
    httpOnly: true,
    sameSite: "Strict",
    path: "/",
    secure: publicOrigin(c).startsWith("https:"),
  } as const;
}

/** A browser adds the cookie to requests of other pages of the same site, too. Throws ProblemError 403 for a change by one. */
export function requireOwnOrigin(c: Context): void {
  if (READING_METHODS.has(c.req.method) || c.req.header("origin") === publicOrigin(c)) return;
  throw new ProblemError({
    status: 403,
    code: "ORIGIN_REFUSED",
    detail:
      "A change by a signed-in browser needs an Origin header with this server's own address. Behind a proxy, pass on Host and X-Forwarded-Proto. Programs send a key instead.",
  });
}
