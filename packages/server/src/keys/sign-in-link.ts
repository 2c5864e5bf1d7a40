import { insertLink } from "../db/edits/sign-ins.ts";
import type { Sql } from "../db/postgres.ts";
import { createSignInSecret, LINK_LIFE_S } from "./sign-in-secret.ts";

/** The path of a link that signs in one browser as the server's admin key, once, within LINK_LIFE_S. */
export async function createSignInLink(sql: Sql): Promise<string> {
  const { secret, hash } = createSignInSecret();
  await insertLink(sql, { hash, life_s: LINK_LIFE_S });
  return `/sign-in?token=${secret}`;
}
