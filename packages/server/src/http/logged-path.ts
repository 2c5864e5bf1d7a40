import { withoutKeys } from "../keys/api-key.ts";

/** Enough to tell every route and the ids in it. */
export const LOGGED_PATH_CHARACTERS_MAX = 200;
/** Ids, names and canonical ids of workspaces. A remote with credentials has a colon or an at sign, as it is or encoded. */
const PLAIN_PATH = /^[A-Za-z0-9_./~-]*$/;
const RESOURCE = /^\/api\/[a-z-]{1,20}(?=\/)/;

/**
 * A request's path as it may be logged: without keys, bounded, and only its resource where it holds a character that no id has:
 * it may be a git remote with a password.
 */
export function loggedPath(path: string): string {
  if (!PLAIN_PATH.test(path)) return `${RESOURCE.exec(path)?.[0] ?? ""}/[…]`;
  const safe = withoutKeys(path);
  return safe.length > LOGGED_PATH_CHARACTERS_MAX ? `${safe.slice(0, LOGGED_PATH_CHARACTERS_MAX)}…` : safe;
}
