import { withoutCredentials, withoutUrlAccounts } from "@wharf/protocol";
import { isRecord } from "../json/clean-value.ts";

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
/** As character codes, in either case. */
const FIRST_LETTERS = new Set(
  [...REMOTE_KEYS].flatMap((key) => [key.charCodeAt(0), key.toUpperCase().charCodeAt(0)]),
);

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
      withoutRemoteCredentials(item, isRemote || isRemoteKey(key)),
    ]),
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

/**
 * Whether a value, or its JSON as JSON.stringify writes it, may hold credentials. False alarms are possible, misses are not. The value
 * must not be nested too deep for the stack. Its keys are walked through: to search its text for their names costs three times as
 * much.
 */
export function mayHoldCredentials(value: unknown, json: string): boolean {
  return (json.includes("@") && json.includes("://")) || namesRemote(value);
}

function namesRemote(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(namesRemote);
  if (!isRecord(value)) return false;
  for (const key of Object.keys(value)) if (isRemoteKey(key) || namesRemote(value[key])) return true;
  return false;
}

/** Most keys are told by their first letter; to write each in lower case costs more than all else here. */
function isRemoteKey(key: string): boolean {
  return FIRST_LETTERS.has(key.charCodeAt(0)) && REMOTE_KEYS.has(key.toLowerCase());
}
