import { createHash } from "node:crypto";

/** Where events go that belong to no repository that we can name. */
export const UNASSOCIATED_WORKSPACE = "_unassociated";

/** What an index of Postgres holds of any characters. */
export const CANONICAL_ID_CHARACTERS_MAX = 500;
const LOCAL_PREFIX = "local:";
const LOCAL_WORKSPACE = /^local:[0-9a-f]{64}$/;
const URL_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
/** One word (an alias of ssh), dotted names also beyond ASCII, or an IPv6 address in brackets. */
const HOST = String.raw`[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}._-]*[\p{L}\p{M}\p{N}])?|\[[0-9a-f:.]+\]`;
const URL_REMOTE = new RegExp(
  String.raw`^(?:https?|ssh|git|git\+ssh|ftps?):\/\/(?:[^/]*@)?(${HOST})\.?(?::\d+)?\/([^?#\\]+)(?:[?#].*)?$`,
  "isu",
);
const HOST_AND_PATH = new RegExp(String.raw`^(${HOST})(?::\d+)?\/([^\\\s?#]+)(?:[?#]\S*)?$`, "iu");
/** user@host:path. The user may be missing, as in scp; a single letter before the colon is a Windows drive. */
const SCP_REMOTE = new RegExp(
  String.raw`^(?:[^/@:\s]+(?::[^/@\s]*)?@)?(?![a-z]:)(${HOST}):(?:\d+\/)?([^\\\s]+)$`,
  "iu",
);
/** A URL with a slash too few is no remote: its user and password would be taken for a path. */
const BROKEN_URL = /^(?:https?|ssh|git\+ssh|ftps?|file):(?!\/\/)/i;

/**
 * The canonical id of a git remote, `host/path`: no protocol, credentials, port, `.git` or trailing slash; the host in lower
 * case, the path as it is. Text that already is canonical comes back unchanged; text that is no remote gives null.
 */
export function canonicalWorkspaceId(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === UNASSOCIATED_WORKSPACE || LOCAL_WORKSPACE.test(trimmed)) return trimmed;
  if (trimmed.startsWith(LOCAL_PREFIX) || BROKEN_URL.test(trimmed) || !isStorable(trimmed)) return null;
  const isUrl = URL_SCHEME.test(trimmed);
  const hostAndPath = isUrl ? null : HOST_AND_PATH.exec(trimmed);
  const match = isUrl ? URL_REMOTE.exec(trimmed) : (hostAndPath ?? SCP_REMOTE.exec(trimmed));
  const host = match?.[1];
  const path = match?.[2] === undefined ? "" : cleanPath(match[2]);
  if (host === undefined || path === "" || path === "." || path.split("/").includes("..")) return null;
  const id = `${host.toLowerCase()}/${path}`;
  if (id.length > CANONICAL_ID_CHARACTERS_MAX) return null;
  // A first word without a dot is a host only where the whole is an id that we made before.
  return hostAndPath === null || host.includes(".") || host.startsWith("[") || id === trimmed ? id : null;
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
  return path
    .replace(/^\/+/, "")
    .replace(/(?:\/|\.git)+$/, "")
    .replace(/[\s?#]/g, encodeURIComponent);
}
