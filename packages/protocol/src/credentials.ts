const USER_CHARACTERS_MAX = 256;
const SECRET_CHARACTERS_MAX = 1_024;
const SCHEME_CHARACTERS_MAX = 21;
const SCHEME_AT_END = /[a-z][a-z0-9+.-]*$/i;
/** A user name and its colon; digits and a slash after the colon are a port. */
const USER = new RegExp(String.raw`[^/:\s@"]{1,${USER_CHARACTERS_MAX}}:(?!\d+\/)`, "y");
const PASSWORD_IN_SCP = /^([^/@:\s]*):[^/@\s]*@/;
const QUERY_OF_URL = /^([a-z][a-z0-9+.-]*:\/\/[^?#]*)[?#].*$/is;

/** A remote without its user name, password and query; text without any comes back unchanged. */
export function withoutCredentials(remote: string): string {
  return withoutUrlCredentials(remote).replace(PASSWORD_IN_SCP, "$1@").replace(QUERY_OF_URL, "$1");
}

/** Any text, with user names and passwords taken out of the URLs in it. Linear in the text, whatever is in it. */
export function withoutUrlCredentials(text: string): string {
  if (!text.includes("@")) return text;
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

/** Where the credentials that begin at `start` end, behind their @; `start` itself where there are none. It may only grow. */
function createEndFinder(text: string): (start: number) => number {
  const nextAt = createSearch(text, /@/g);
  const nextSlash = createSearch(text, /\//g);
  const nextBreak = createSearch(text, /[\s"]/g);

  return function findEnd(start) {
    const at = nextAt(start);
    const wordEnd = nextBreak(start);
    if (at >= wordEnd || at > start + USER_CHARACTERS_MAX + 1 + SECRET_CHARACTERS_MAX) return start;
    const hostEnd = Math.min(wordEnd, nextSlash(start), start + SECRET_CHARACTERS_MAX + 1);
    if (at < hostEnd) return text.lastIndexOf("@", hostEnd - 1) + 1;
    USER.lastIndex = start;
    if (!USER.test(text)) return start;
    // A password with a slash in it, as nobody should write it but people do.
    const secret = USER.lastIndex;
    const last = text.lastIndexOf("@", Math.min(wordEnd - 1, secret + SECRET_CHARACTERS_MAX));
    return last > secret ? last + 1 : start;
  };
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
