import { behindLastAtSign, withoutCredentials, withoutUrlCredentials } from "@wharf/protocol";
import { isWithin } from "../json/clean-value.ts";
import { endOfString } from "../json/json-text.ts";
import { REMOTE_KEYS, withoutRemoteCredentials } from "./remote-fields.ts";

/** How much of a rejected event is kept with its reason. */
const KEPT_CHARACTERS_MAX = 64 * 1024;
/** How much of a rejected event can be written out without using up the stack or holding up other requests. */
const WRITTEN_OUT = { json_depth: 1_000, json_values: 50_000, text_characters: 2 * 1024 * 1024 };
/** A line has to be searched whole, since an @ at its end makes a credential of what stands before it. */
export const SEARCHED_CHARACTERS_MAX = 1024 * 1024;
/** Up to the quote that opens its text: a pattern for the text itself takes half a second for one of a megabyte. */
const REMOTE_IN_TEXT = new RegExp(String.raw`"(${[...REMOTE_KEYS].join("|")})"\s*:\s*"`, "g");
/** Of a secret without spaces, as the rules know them. */
const SECRET_CHARACTERS_MAX = 2_000;
const QUERIES = /(?:[?#]|%(?:25){0,2}3f)[^\s"\\]*/gi;

/** What is kept of a rejected event; nothing of one that is nested or filled too far to be written out. */
export function keptBody(value: unknown, characters_max = KEPT_CHARACTERS_MAX): string | null {
  if (!isWithin(value, WRITTEN_OUT)) return null;
  const cleaned = typeof value === "string" ? withoutCredentials(value) : withoutRemoteCredentials(value);
  return keptText(JSON.stringify(cleaned) ?? "null", characters_max);
}

/**
 * What is kept of a line that could not be read: none of its remotes, which may be cut, and of the rest neither what stands before
 * an @ nor a query. Null for a line that is too long to be searched.
 */
export function keptUnreadable(line: string): string | null {
  if (line.length > SEARCHED_CHARACTERS_MAX) return null;
  const unnamed = behindLastAtSign(withoutRemotes(line)).slice(0, KEPT_CHARACTERS_MAX);
  return copyOf(withoutOpenUrl(unnamed.replace(QUERIES, "?")));
}

/** Each remote reads `[…]`, also one that its line's end cuts off. */
function withoutRemotes(line: string): string {
  const parts: string[] = [];
  let copied = 0;
  REMOTE_IN_TEXT.lastIndex = 0;
  for (let found = REMOTE_IN_TEXT.exec(line); found !== null; found = REMOTE_IN_TEXT.exec(line)) {
    parts.push(line.slice(copied, found.index), `"${found[1]}":"[…]"`);
    copied = endOfString(line, REMOTE_IN_TEXT.lastIndex - 1) + 1;
    REMOTE_IN_TEXT.lastIndex = copied;
  }
  return parts.join("") + line.slice(copied);
}

/** JSON that may be kept. Cut first: a search through megabytes would hold up every request. */
export function keptText(text: string, characters_max = KEPT_CHARACTERS_MAX): string {
  if (text.length <= characters_max) return withoutUrlCredentials(text);
  return copyOf(withoutUrlCredentials(withoutOpenUrl(withoutCutWord(text.slice(0, characters_max)))));
}

/** A slice keeps the whole text that it was taken from in memory. */
function copyOf(slice: string): string {
  return Buffer.from(slice).toString();
}

/** Of a secret that the cut goes through, no rule may find the part that is left. */
export function withoutCutWord(text: string): string {
  const end = Math.max(openWord(text), text.length - SECRET_CHARACTERS_MAX);
  return text.slice(0, end);
}

/** Where the word that the text ends with begins. */
function openWord(text: string): number {
  return Math.max(text.lastIndexOf('"'), text.lastIndexOf(" "), text.lastIndexOf("\n")) + 1;
}

/** Where the text was cut within a URL, the @ that ends its password may be gone. */
function withoutOpenUrl(text: string): string {
  const url = text.indexOf(":/", openWord(text));
  return url === -1 ? text : text.slice(0, url);
}
