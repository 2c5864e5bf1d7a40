import { behindLastAtSign, holdsAtSign, parseRemote, withoutQuery } from "./remote.ts";

/** A user name that is no secret: what git hosts give to everybody for ssh. */
const PUBLIC_USER = "git";
const SCHEME_CHARACTERS_MAX = 21;
const SCHEME_AT_END = /[a-z][a-z0-9+.-]*$/i;
const SCHEME_OF_REMOTE = /^(?:https?|ssh|git|git\+ssh|ssh\+git|ftps?):\/{0,2}/i;
const LOCAL_PATH = /^(?:\.{0,2}|~)\/(?!\/)[^:]*$/;
/** A password that no @ ends, because the text was cut before it: a port would be digits. */
const PASSWORD_AT_END = /^([a-z][a-z0-9+.-]*:\/\/)[^/]*:(?!\d*(?:\/|$))[^/]*/i;
/** From `://` to the last @ before the host ends. No two of them begin in the same text, so a search is linear. */
const ACCOUNT_IN_URL = /:\/\/([^\s"'`<>\\/?#]*)@/g;

/**
 * A remote without its user name, password and query. One without any comes back unchanged, as does a local path; of other text
 * nothing is kept that stands before an @.
 */
export function withoutCredentials(text: string): string {
  const remote = parseRemote(text);
  const hasAccount = remote !== null && remote.account !== null;
  if (hasAccount && !(remote.form === "scp" && remote.account === PUBLIC_USER))
    return remote.scheme + remote.address;
  if (remote !== null || LOCAL_PATH.test(text)) return withoutQuery(text);
  const scheme = SCHEME_OF_REMOTE.exec(text.trim())?.[0] ?? "";
  if (holdsAtSign(text)) return withoutQuery(scheme + behindLastAtSign(text));
  return withoutQuery(text).replace(PASSWORD_AT_END, "$1");
}

/**
 * Any text in which no URL has a user name and password before its host; a user name that is no secret stays, as does an @ in a path
 * or a query. Linear in the text.
 */
export function withoutUrlAccounts(text: string): string {
  if (!text.includes("@")) return text;
  return text.replace(ACCOUNT_IN_URL, (url: string, account: string) =>
    account === PUBLIC_USER ? url : "://",
  );
}

/** The text without the user names and passwords of its URLs. Linear in the length of any text. */
export function withoutUrlCredentials(text: string): string {
  if (!holdsAtSign(text)) return text;
  const findEnd = createEndFinder(text);
  let cleaned = "";
  let copied = 0;
  for (let colon = text.indexOf(":/"); colon !== -1; ) {
    const start = colon + (text[colon + 2] === "/" ? 3 : 2);
    const isUrl = SCHEME_AT_END.test(text.slice(Math.max(copied, colon - SCHEME_CHARACTERS_MAX), colon));
    const end = isUrl ? findEnd(start) : start;
    if (end > start) {
      cleaned += text.slice(copied, start);
      copied = end;
    }
    colon = text.indexOf(":/", end);
  }
  return cleaned + text.slice(copied);
}

/**
 * Where the credentials that begin at `start` end, behind their @; `start` itself where there are none. It may only grow. An @
 * behind a slash ends a password only where a colon stands before that slash.
 */
function createEndFinder(text: string): (start: number) => number {
  const nextAt = createSearch(text, /@|%(?:25){0,2}40/g);
  const nextSlash = createSearch(text, /\//g);
  const nextColon = createSearch(text, /:/g);
  const nextBreak = createSearch(text, /[\s"]/g);

  return function findEnd(start) {
    const wordEnd = nextBreak(start);
    const at = nextAt(start);
    if (at >= wordEnd) return start;
    const slash = nextSlash(start);
    const hasColon = nextColon(start) < slash;
    const limit = hasColon ? wordEnd : Math.min(slash, wordEnd);
    let end = start;
    for (let next = at; next < limit; next = nextAt(end)) end = next + signLength(text, next);
    return end;
  };
}

function signLength(text: string, at: number): number {
  return text[at] === "@" ? 1 : text.indexOf("40", at) + 2 - at;
}

/** Where the pattern comes next, at or after a place that only grows: all calls together read the text once. */
function createSearch(text: string, pattern: RegExp): (from: number) => number {
  let found = -1;
  return function next(from) {
    if (found >= from) return found;
    pattern.lastIndex = from;
    found = pattern.exec(text)?.index ?? text.length;
    return found;
  };
}
