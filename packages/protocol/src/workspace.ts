import { createHash } from "node:crypto";

/** Where events go that belong to no repository that we can name. */
export const UNASSOCIATED_WORKSPACE = "_unassociated";

const LOCAL_WORKSPACE = /^local:[0-9a-f]{64}$/;
const URL_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const URL_REMOTE =
  /^(?:https?|ssh|git|git\+ssh|ftps?):\/\/(?:[^/]*@)?([^/:@?#]+|\[[0-9a-f:]+\])(?::\d+)?\/([^?#]+)/i;
const HOST_AND_PATH = /^([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)(?::\d+)?\/([^\\\s]+)$/;
/** user@host:path. The user may be missing, as in scp; a single letter before the colon is a Windows drive. */
const SCP_REMOTE = /^(?:[^/@:\s]+(?::[^/@\s]*)?@)?([A-Za-z0-9][A-Za-z0-9.-]+):(?:\d+\/)?([^\\\s]+)$/;
const CREDENTIALS_IN_URL = /([a-z][a-z0-9+.-]*:\/\/)(?:[^/\s]*@|[^/:\s@]+:(?!\d+\/)[^\s@]+@)/gi;
const PASSWORD_IN_SCP = /^([^/@:\s]+):[^/@\s]*@/;

/**
 * The canonical id of a git remote, `host/path`: no protocol, credentials, port, `.git` or trailing slash; the host in lower
 * case, the path as it is. Text that already is canonical comes back unchanged; text that is no remote gives null.
 */
export function canonicalWorkspaceId(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === UNASSOCIATED_WORKSPACE || LOCAL_WORKSPACE.test(trimmed)) return trimmed;
  const match = URL_SCHEME.test(trimmed)
    ? URL_REMOTE.exec(trimmed)
    : (HOST_AND_PATH.exec(trimmed) ?? SCP_REMOTE.exec(trimmed));
  const host = match?.[1];
  const path = match?.[2] === undefined ? "" : cleanPath(match[2]);
  if (host === undefined || path === "" || path === "." || path.split("/").includes("..")) return null;
  return `${host.toLowerCase()}/${path}`;
}

/** The canonical id of a repository without a remote; `firstCommitHash` is the hash of its first commit. */
export function localWorkspaceId(firstCommitHash: string): string {
  return `local:${createHash("sha256").update(firstCommitHash).digest("hex")}`;
}

/** A name for people: the last path segment, `local-<8 hex>`, or `_unassociated`. */
export function workspaceDisplayName(canonicalId: string): string {
  if (LOCAL_WORKSPACE.test(canonicalId))
    return `local-${canonicalId.slice("local:".length, "local:".length + 8)}`;
  return canonicalId.slice(canonicalId.lastIndexOf("/") + 1);
}

/** Which of a repository's remotes names it: `origin`, else the first by name. Null without any. */
export function chooseRemote(remotes: Readonly<Record<string, string>>): string | null {
  const names = Object.keys(remotes).sort();
  return remotes["origin"] ?? remotes[names[0] ?? ""] ?? null;
}

/** A remote without its user name and password; text without any comes back unchanged. */
export function withoutCredentials(remote: string): string {
  return withoutUrlCredentials(remote).replace(PASSWORD_IN_SCP, "$1@");
}

/** Any text, with user names and passwords taken out of the URLs in it. */
export function withoutUrlCredentials(text: string): string {
  return text.includes("@") ? text.replace(CREDENTIALS_IN_URL, "$1") : text;
}

function cleanPath(path: string): string {
  return path
    .replace(/^\/+/, "")
    .replace(/\/+$/, "")
    .replace(/\.git$/, "")
    .replace(/\/+$/, "");
}
