import { createFinder, findSecrets, mayHoldSecrets } from "./find-secrets.ts";
import { decodeEscapes, decodeJsonString, jsonStrings } from "./json-strings.ts";
import { createKeywordIndex } from "./keywords.ts";
import type { Marker } from "./marker.ts";
import { SECRET_RULES, type SecretRule } from "./rules.ts";
import { decodePercents } from "./views.ts";

/** Secrets replaced, by the id of their rule. */
export type RedactionCounts = Map<string, number>;

export type Redactor = {
  /** Plain text, with markers in place of secrets. */
  text: (text: string, counts?: RedactionCounts) => string;
  /**
   * One line of JSON. Only strings that hold a secret change: decoded, searched, and written again; JSON inside a string is decoded once
   * more. A line that is not JSON is treated as plain text.
   */
  line: (line: string, counts?: RedactionCounts) => string;
};

export type RedactorOptions = {
  mark: Marker;
  rules?: readonly SecretRule[];
  /** Milliseconds that one call may take, by `now`. Default: no limit. */
  budgetMs?: number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

/** A call took longer than its budget. Nothing of the text may be kept. */
export class RedactionTimeError extends Error {
  constructor(budgetMs: number) {
    super(`Redaction took longer than ${budgetMs} ms. Send the text in smaller parts.`);
    this.name = "RedactionTimeError";
  }
}

/** Members whose values are no text but base64, and longer than any secret: they must stay as they are. */
const OPAQUE_MEMBERS: ReadonlySet<string> = new Set(["signature", "encrypted_content"]);
const OPAQUE = /^[A-Za-z0-9+/_-]{200,}={0,2}$/;
/** Base64 of an image, as agents write it: `{"type":"base64","media_type":"image/png","data":"…"}` or a data URL. */
const IMAGE_MEMBERS: ReadonlySet<string> = new Set(["data", "image_url", "url"]);
const IMAGE_CHARACTERS_MIN = 256;
const IMAGE = /^(?:data:image\/[a-z.+-]{1,40};base64,)?[A-Za-z0-9+/]*={0,2}$/;
/** Space around the colon of a member, other than JSON is usually written with: in the search it is one space. */
const UNUSUAL_SPACE = /"[ \t\r\n]+:|:(?:[ \t]{2,}|[ \t]*[\r\n])/;
/** To decode the escapes of a longer line costs as much as the search string by string, and cannot be interrupted. */
const DECODED_CHARACTERS_MAX = 65_536;
const NESTED_JSON = /^\s*[[{]/;

type Search = { counts: RedactionCounts; checkTime: () => void };

/** Throws SyntaxError for a rule whose pattern is no regular expression. */
export function createRedactor(options: RedactorOptions): Redactor {
  const {
    mark,
    rules = SECRET_RULES,
    budgetMs = Number.POSITIVE_INFINITY,
    now = () => performance.now(),
  } = options;
  const { ownersIn } = createKeywordIndex(
    rules.map((rule) => ({ owner: createFinder(rule), keywords: rule.keywords })),
  );

  function begin(counts: RedactionCounts): Search {
    const deadline = now() + budgetMs;
    const checkTime = () => {
      if (now() > deadline) throw new RedactionTimeError(budgetMs);
    };
    return { counts, checkTime };
  }

  /**
   * Whether a line may hold a secret, by its text and with its escapes decoded once and twice: one of them contains each string that
   * the search below would look at. Most lines end here, which is six times as fast as the search string by string.
   */
  function mayHold(line: string, { checkTime }: Search): boolean {
    if (UNUSUAL_SPACE.test(line)) return true;
    if (mayHoldSecrets(line, ownersIn, checkTime)) return true;
    if (!line.includes("\\")) return false;
    if (line.length > DECODED_CHARACTERS_MAX) return true;
    const decoded = decodeEscapes(line);
    if (mayHoldSecrets(decoded, ownersIn, checkTime)) return true;
    return decoded.includes("\\") && mayHoldSecrets(decodeEscapes(decoded), ownersIn, checkTime);
  }

  /** The part of `text` from `from` to `to` with its secrets replaced; the rest is context. */
  function replaceSecrets(text: string, run: Search, from = 0, to = text.length): string {
    let replaced = "";
    let copied = from;
    for (const span of findSecrets(text, ownersIn, run.checkTime)) {
      const start = Math.max(span.start, from);
      const end = Math.min(span.end, to);
      if (start >= end) continue;
      replaced += text.slice(copied, start) + mark(span.rule, decodePercents(text.slice(start, end)));
      copied = end;
      run.counts.set(span.rule, (run.counts.get(span.rule) ?? 0) + 1);
    }
    return replaced + text.slice(copied, to);
  }

  /** A string of a line, decoded. Its member's name stands before it in the search: `"password": "…"` is a secret by its name. */
  function replaceInString(value: string, member: string | null, run: Search, isNested: boolean): string {
    if (member !== null && isOpaque(member, value)) return value;
    if (!isNested && value.includes("\\") && NESTED_JSON.test(value) && isJson(value))
      return replaceInJson(value, run, true);
    if (member === null) return replaceSecrets(value, run);
    const before = `"${member}": "`;
    return replaceSecrets(`${before}${value}"`, run, before.length, before.length + value.length);
  }

  function replaceInJson(json: string, run: Search, isNested: boolean): string {
    let replaced = "";
    let copied = 0;
    for (const { start, end, member } of jsonStrings(json)) {
      const token = json.slice(start, end);
      const value = decodeJsonString(token);
      if (value === null) continue;
      const clean = replaceInString(value, member, run, isNested);
      if (clean === value) continue;
      replaced += json.slice(copied, start) + JSON.stringify(clean);
      copied = end;
    }
    return replaced + json.slice(copied);
  }

  return {
    text: (text, counts = new Map()) => replaceSecrets(text, begin(counts)),
    line: (line, counts = new Map()) => {
      const run = begin(counts);
      if (!mayHold(line, run)) return line;
      return isJson(line) ? replaceInJson(line, run, false) : replaceSecrets(line, run);
    },
  };
}

function isOpaque(member: string, value: string): boolean {
  if (OPAQUE_MEMBERS.has(member)) return OPAQUE.test(value);
  return value.length >= IMAGE_CHARACTERS_MIN && IMAGE_MEMBERS.has(member) && IMAGE.test(value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
