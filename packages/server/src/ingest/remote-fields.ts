import { withoutCredentials, withoutUrlAccounts } from "@wharf/protocol";
import { isRecord } from "./clean-value.ts";

/** What events, payloads, metadata and blueprints call a git remote, in lower case: what stands there may hold a password in any form. */
export const REMOTE_KEYS = new Set([
  "git_remote",
  "gitremote",
  "git_remote_url",
  "gitremoteurl",
  "remote",
  "remotes",
  "remote_url",
  "remoteurl",
  "origin",
  "workspace_id",
  "workspaceid",
  "workspace_canonical_id",
  "workspacecanonicalid",
]);
const REMOTE_KEY = new RegExp(`"(?:${[...REMOTE_KEYS].join("|")})"`, "i");

/**
 * A copy in which no URL has a user name and password, in keys as well as in values, and no remote has credentials in any form. The
 * value must not be nested too deep for the stack.
 */
export function withoutRemoteCredentials(value: unknown, isRemote = false): unknown {
  if (typeof value === "string") return isRemote ? withoutCredentials(value) : withoutUrlAccounts(value);
  if (Array.isArray(value))
    return value.every(isNumber) ? value : value.map((item) => withoutRemoteCredentials(item, isRemote));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      isRemote ? withoutCredentials(key) : withoutUrlAccounts(key),
      withoutRemoteCredentials(item, isRemote || REMOTE_KEYS.has(key.toLowerCase())),
    ]),
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

/** Whether a payload's JSON, as JSON.stringify writes it, may hold credentials. False alarms are possible, misses are not. */
export function mayHoldCredentials(json: string): boolean {
  return (json.includes("@") && json.includes("://")) || REMOTE_KEY.test(json);
}
