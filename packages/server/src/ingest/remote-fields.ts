import { withoutCredentials } from "@wharf/protocol";
import { isRecord } from "./clean-value.ts";

/** What events, payloads, metadata and blueprints call a git remote, which may hold a password. */
export const REMOTE_KEYS = new Set([
  "git_remote",
  "remote",
  "remotes",
  "remote_url",
  "workspace_id",
  "workspace_canonical_id",
]);
/** Each of the payload's own fields among them holds this. */
const SIGN_OF_REMOTE = "remote";

/** A copy in which no remote has credentials, at any depth; the value must not be nested too deep for the stack. */
export function withoutRemoteCredentials(value: unknown, isRemote = false): unknown {
  if (typeof value === "string") return isRemote ? withoutCredentials(value) : value;
  if (Array.isArray(value))
    return value.every(isNumber) ? value : value.map((item) => withoutRemoteCredentials(item, isRemote));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      withoutRemoteCredentials(item, isRemote || REMOTE_KEYS.has(key)),
    ]),
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

/** Whether a payload's JSON may name a remote. False alarms are possible, misses are not. */
export function mayHoldRemote(json: string): boolean {
  return json.includes(SIGN_OF_REMOTE);
}
