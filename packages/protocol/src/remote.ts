/** A git remote, taken apart as git does. Neither host nor path holds a credential. */
export type Remote = {
  /** `https://`, `ssh://` …; empty for `user@host:path` and for `host/path`. */
  scheme: string;
  /** What stands before the `@`: a user name, and perhaps a password. */
  account: string | null;
  /** What is left: host, port and path, as they were written. */
  address: string;
  /** In lower case; an IPv6 address in brackets. */
  host: string;
  /** As it was written, without a query. */
  path: string;
  /** `url`: `scheme://host/path`, also behind a helper. `scp`: `host:path`, which has no port. `plain`: `host/path`. */
  form: "url" | "scp" | "plain";
};

/** Longer text is no remote. */
export const REMOTE_CHARACTERS_MAX = 4_096;
const HELPERS_MAX = 4;

/** `helper::address`: git gives the address to git-remote-helper. */
const HELPER = /^([a-z0-9][a-z0-9+.-]{0,60})::/i;
/** Their address is a command or a file descriptor. */
const HELPERS_OF_NO_HOST = new Set(["ext", "fd"]);
const SCHEME = /^(?:https?|ssh|git|git\+ssh|ssh\+git|ftps?):\/\//i;
/** A URL with a slash too few: its user and password would be taken for a path. */
const BROKEN_URL = /^(?:https?|ssh|git\+ssh|ssh\+git|ftps?|file):(?!\/\/)/i;
/** One word (an alias of ssh) or dotted names, also beyond ASCII. */
const HOST_NAME = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}._-]*[\p{L}\p{M}\p{N}])?$/u;
const IPV6 = /^[0-9a-f.]*:[0-9a-f:.]*$/i;
const BRACKETED = /^(?:([^/@:[\]]*)@)?\[([^/[\]]*)\]:(.*)$/s;
/** Behind a drive's letter there is no @: what ends at one is a user and a password. */
const LOCAL_PATH = /^(?:[/.~\\]|[a-z]:[^@]*$)/i;
/** Also in percent encoding, even of what was encoded before. */
const AT_SIGNS = ["@", "%40", "%2540", "%252540"];
/** `user/repo@v2`: the one place where an @ is part of a path, and only where it can be nothing else. */
const PATH_WITH_AT_SIGN = /^[^@:%\s]+\/[^@:%\s/]*@[^@:%\s/]*$/;
const QUERY = /\?|%(?:25){0,2}3f/i;
const FRAGMENT = /[#;&]|%(?:25){0,2}23/i;
const ASSIGNMENT = /=|%(?:25){0,2}3d/i;

/** The remote as git reads it; null for a local path and for text that is no remote. Linear in the text, which is bounded. */
export function parseRemote(text: string): Remote | null {
  if (text.length > REMOTE_CHARACTERS_MAX) return null;
  const address = withoutQuery(withoutHelpers(text.trim()));
  const scheme = SCHEME.exec(address)?.[0];
  if (scheme !== undefined) return parseUrl(scheme, address.slice(scheme.length));
  if (BROKEN_URL.test(address) || address.includes("://") || /\s/.test(address)) return null;
  if (LOCAL_PATH.test(address)) return null;
  return parseWithoutScheme(address);
}

export function holdsAtSign(text: string): boolean {
  return AT_SIGNS.some((sign) => text.includes(sign));
}

/** What stands behind the last @; all of it without one. */
export function behindLastAtSign(text: string): string {
  const ends = AT_SIGNS.map((sign) => {
    const at = text.lastIndexOf(sign);
    return at === -1 ? 0 : at + sign.length;
  });
  return text.slice(Math.max(...ends));
}

/** The text up to a query, or to a fragment that assigns a value: either may hold a token. */
export function withoutQuery(text: string): string {
  const path = text.slice(0, indexOf(QUERY, text));
  const fragment = indexOf(FRAGMENT, path);
  return ASSIGNMENT.test(path.slice(fragment)) ? path.slice(0, fragment) : path;
}

function indexOf(pattern: RegExp, text: string): number {
  return pattern.exec(text)?.index ?? text.length;
}

function withoutHelpers(text: string): string {
  let address = text;
  for (let helpers = 0; helpers < HELPERS_MAX; helpers++) {
    const [prefix = "", helper = ""] = HELPER.exec(address) ?? [];
    if (prefix === "") return address;
    address = HELPERS_OF_NO_HOST.has(helper.toLowerCase()) ? "" : address.slice(prefix.length);
  }
  return address;
}

function parseUrl(scheme: string, text: string): Remote | null {
  const { account, address } = splitAccount(cutAt(text, "#"));
  const place = splitPlace(address);
  if (place === null || !isPort(place.port)) return null;
  return checked({ scheme, account, address, host: place.host, path: place.path, form: "url" }, place.port);
}

/**
 * As git: a colon before the first slash makes it `host:path`. An @ behind that colon does not belong to such a path, but ends
 * the password of a URL that lost its scheme.
 */
function parseWithoutScheme(text: string): Remote | null {
  const bracketed = BRACKETED.exec(text);
  if (bracketed !== null) return parseBracketed(bracketed);
  const { account, address } = splitAccount(text);
  const place = splitPlace(address);
  const lostScheme = account?.includes(":") === true;
  if (place !== null && (place.port === null || (lostScheme && isPort(place.port)))) {
    const { host, port } = place;
    const path = cutAt(place.path, "#");
    // Without its port, which git would take for the first part of the path.
    return checked({ scheme: "", account, address: `${host}/${path}`, host, path, form: "plain" }, port);
  }
  const colon = address.indexOf(":");
  if (colon === -1 || address[colon + 1] === ":") return null;
  const [host, path] = [address.slice(0, colon), address.slice(colon + 1)];
  return checked({ scheme: "", account, address, host, path, form: "scp" }, null);
}

/** `[user@host:port]:path`, `user@[2001:db8::1]:path` and the like. */
function parseBracketed([, user, inside = "", path = ""]: RegExpExecArray): Remote | null {
  const at = inside.lastIndexOf("@");
  const account = at === -1 ? (user ?? null) : inside.slice(0, at);
  const hostPort = inside.slice(at + 1);
  const isIpv6 = hostPort.split(":").length > 2;
  const [name = "", port = null] = isIpv6 ? [`[${hostPort}]`] : hostPort.split(":", 2);
  if (!isPort(port)) return null;
  return checked(
    { scheme: "", account, address: `[${hostPort}]:${path}`, host: name, path, form: "scp" },
    port,
  );
}

/** The user and password end at the last @ before the first slash. */
function splitAccount(text: string): { account: string | null; address: string } {
  const at = cutAt(text, "/").lastIndexOf("@");
  if (at === -1) return { account: null, address: text };
  return { account: text.slice(0, at), address: text.slice(at + 1) };
}

/** `host/path` or `host:port/path`. */
function splitPlace(address: string): { host: string; port: string | null; path: string } | null {
  const slash = address.indexOf("/");
  if (slash === -1) return null;
  const [authority, path] = [address.slice(0, slash), address.slice(slash + 1)];
  const colon = authority.indexOf(":", Math.max(0, authority.indexOf("]")));
  if (colon === -1) return { host: authority, port: null, path };
  return { host: authority.slice(0, colon), port: authority.slice(colon + 1), path };
}

/** The remote, if its host can be one and its path holds no @ before which a password may stand. */
function checked(remote: Remote, port: string | null): Remote | null {
  const host = remote.host.replace(/\.$/, "").toLowerCase();
  if (!isHost(host) || remote.path.includes("\\")) return null;
  if (!holdsAtSign(remote.path)) return { ...remote, host };
  const isUnambiguous =
    remote.form !== "scp" && remote.account === null && port === null && host.includes(".");
  return isUnambiguous && PATH_WITH_AT_SIGN.test(remote.path) ? { ...remote, host } : null;
}

function isHost(host: string): boolean {
  if (host.startsWith("[")) return host.endsWith("]") && IPV6.test(host.slice(1, -1));
  return HOST_NAME.test(host);
}

/** Git takes a port that is left out behind its colon, too. */
function isPort(port: string | null): boolean {
  return port === null || /^\d*$/.test(port);
}

function cutAt(text: string, character: string): string {
  const end = text.indexOf(character);
  return end === -1 ? text : text.slice(0, end);
}
