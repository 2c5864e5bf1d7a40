import { createHash } from "node:crypto";
import { canonicalPlace } from "./host-names.ts";
import { parseRemote, REMOTE_CHARACTERS_MAX } from "./remote.ts";

/** Where events go that belong to no repository that we can name. */
export const UNASSOCIATED_WORKSPACE = "_unassociated";

/** What an index of Postgres holds of any characters. */
export const CANONICAL_ID_CHARACTERS_MAX = 500;
const LOCAL_PREFIX = "local:";
const LOCAL_WORKSPACE = /^local:[0-9a-f]{64}$/;
const GIT_SUFFIX = ".git";

/**
 * The canonical id of a git remote, `host/path`: no protocol, credentials, port, `.git` or trailing slash; the host in lower
 * case and by its usual name, the path as it is. Text that already is canonical comes back unchanged; text that is no remote
 * gives null. Linear in the text.
 */
export function canonicalWorkspaceId(text: string): string | null {
  if (text.length > REMOTE_CHARACTERS_MAX) return null;
  const trimmed = text.trim();
  if (trimmed === UNASSOCIATED_WORKSPACE || LOCAL_WORKSPACE.test(trimmed)) return trimmed;
  if (trimmed.startsWith(LOCAL_PREFIX) || !isStorable(trimmed)) return null;
  const remote = parseRemote(trimmed);
  const path = remote === null ? "" : cleanPath(remote.path);
  if (remote === null || path === "" || path === "." || path.split("/").includes("..")) return null;
  const id = canonicalPlace(remote.host, path);
  if (id.length > CANONICAL_ID_CHARACTERS_MAX) return null;
  // A first word without a dot is a host only where the whole is an id that we made before.
  const isHost = remote.form !== "plain" || remote.host.includes(".") || remote.host.startsWith("[");
  return isHost || id === trimmed ? id : null;
}

/** The canonical id of a repository without a remote; `firstCommitHash` is the hash of its first commit. */
export function localWorkspaceId(firstCommitHash: string): string {
  return `${LOCAL_PREFIX}${createHash("sha256").update(firstCommitHash).digest("hex")}`;
}

/** A name for people: the last path segment, `local-<8 hex>`, or `_unassociated`. */
export function workspaceDisplayName(canonicalId: string): string {
  if (LOCAL_WORKSPACE.test(canonicalId))
    return `local-${canonicalId.slice(LOCAL_PREFIX.length, LOCAL_PREFIX.length + 8)}`;
  return canonicalId.slice(canonicalId.lastIndexOf("/") + 1);
}

/** Which of a repository's remotes names it: `origin`, else the first by name. Null without any. */
export function chooseRemote(remotes: Readonly<Record<string, string>>): string | null {
  const names = Object.keys(remotes).sort();
  return remotes["origin"] ?? remotes[names[0] ?? ""] ?? null;
}

/** NUL and lone surrogates can be stored nowhere, and no repository has them in its address. */
function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** What a URL writes as %20 or %23 may stand as it is in other forms of a remote: one repository, one id. */
function cleanPath(path: string): string {
  let start = 0;
  while (path[start] === "/") start++;
  let end = path.length;
  for (;;) {
    if (end > start && path[end - 1] === "/") end--;
    else if (end - start >= GIT_SUFFIX.length && path.endsWith(GIT_SUFFIX, end)) end -= GIT_SUFFIX.length;
    else break;
  }
  return path.slice(start, end).replace(/[\s?#]/g, encodeURIComponent);
}
