import { hashOf } from "./api-key.ts";

const SECRET_BYTES = 32;
export const LINK_LIFE_S = 10 * 60;
export const COOKIE_LIFE_S = 30 * 24 * 60 * 60;

/** The token of a sign-in link or the value of a cookie: 32 random bytes. Only their hash (base64) is stored. */
export function createSignInSecret(): { secret: string; hash: string } {
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("base64url");
  return { secret, hash: hashOf(secret) };
}
