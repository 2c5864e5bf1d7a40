import { createFinder, findSecrets, type Span } from "./find-secrets.ts";
import { decodeJsonString, JSON_LEVELS_MAX, type JsonString, jsonStrings } from "./json-strings.ts";
import { createKeywordIndex } from "./keywords.ts";
import type { Marker } from "./marker.ts";
import { createPrefilter } from "./prefilter.ts";
import { SECRET_RULES, type SecretRule } from "./rules.ts";
import { decodePercents, withoutInvisible } from "./views.ts";

/** Secrets replaced, by the id of their rule. */
export type RedactionCounts = Map<string, number>;

export type Redactor = {
  /** Plain text, with markers in place of secrets. */
  text: (text: string, counts?: RedactionCounts) => string;
  /**
   * One line of JSON. Only strings that hold a secret change: decoded, searched, and written again; so is JSON inside a string. A line that is not JSON is treated as plain text.
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
const NESTED_JSON = /^\s*["[{]/;
/** Members whose value is named by another member of their object. */
const VALUE_MEMBERS: ReadonlySet<string> = new Set(["value", "val", "content", "data", "text"]);
/** Of the elements before a string, and of the members around a value: what they name may be a secret. */
const NEIGHBOUR_CHARACTERS = 160;
/** No shorter value is a secret because of its neighbours. */
const NAMED_CHARACTERS_MIN = 8;

type DecodedString = { string: JsonString; value: string };

type Search = { counts: RedactionCounts; checkTime: () => void };

/** Throws SyntaxError for a rule whose pattern is no regular expression. */
export function createRedactor(options: RedactorOptions): Redactor {
  const {
    mark,
    rules = SECRET_RULES,
    budgetMs = Number.POSITIVE_INFINITY,
    now = () => performance.now(),
  } = options;
  const finders = rules.map((rule) => ({ finder: createFinder(rule), keywords: rule.keywords }));
  const { scan } = createKeywordIndex(
    finders.map(({ finder, keywords }) => ({ owner: finder, at: finder.at, keywords })),
  );
  const ownersIn = (text: string) => scan(text).owners;
  const acrossIn = (text: string) => ownersIn(text).filter(({ endOf }) => endOf !== null);
  const mayHold = createPrefilter(scan);

  function begin(counts: RedactionCounts): Search {
    return { counts, checkTime: deadlineIn(budgetMs, now) };
  }

  /** The part of `text` from `from` to `to` with its secrets replaced; the rest is context. */
  function replaceSecrets(text: string, run: Search, from = 0, to = text.length): string {
    let replaced = "";
    let copied = from;
    for (const span of findSecrets(text, ownersIn, run.checkTime)) {
      const start = Math.max(span.start, from);
      const end = Math.min(span.end, to);
      if (start >= end) continue;
      replaced +=
        text.slice(copied, start) + mark(span.rule, decodePercents(withoutInvisible(text.slice(start, end))));
      copied = end;
      run.counts.set(span.rule, (run.counts.get(span.rule) ?? 0) + 1);
    }
    return replaced + text.slice(copied, to);
  }

  /**
   * A string of a JSON text, decoded. Its member's name stands before it in the search: `"password": "…"` is a secret by its name. So do the
   * elements before it in a list, and the other members around a value: `["--password", "…"]`, `{"name": "PASSWORD", "value": "…"}`.
   */
  function replaceInString(
    json: string,
    { string, value }: DecodedString,
    run: Search,
    level: number,
  ): string {
    const { member, isName, from, end } = string;
    if (member !== null && isOpaque(member, value)) return value;
    if (level < JSON_LEVELS_MAX && value.includes("\\") && NESTED_JSON.test(value) && isJson(value))
      return replaceInJson(value, run, level + 1);
    const isNamed = member !== null && VALUE_MEMBERS.has(member.toLowerCase());
    const hasNeighbours = !isName && (isNamed || member === null) && value.length >= NAMED_CHARACTERS_MIN;
    if (member === null && !hasNeighbours) return replaceSecrets(value, run);
    const neighbours = hasNeighbours ? json.slice(Math.max(0, from - NEIGHBOUR_CHARACTERS), from) : "";
    const before = `${neighbours}${member === null ? "" : `"${member}": `}"`;
    const after = `"${isNamed ? json.slice(end, end + NEIGHBOUR_CHARACTERS) : ""}`;
    return replaceSecrets(`${before}${value}${after}`, run, before.length, before.length + value.length);
  }

  function replaceInJson(json: string, run: Search, level: number): string {
    let replaced = "";
    let copied = 0;
    const secretAt = createLookup(findSecrets(json, acrossIn, run.checkTime));
    for (const string of jsonStrings(json)) {
      const { start, end } = string;
      const value = decodeJsonString(json.slice(start, end));
      if (value === null) continue;
      const begun = secretAt(start + 1);
      const clean =
        begun === null
          ? replaceInString(json, { string, value }, run, level)
          : replaceRest(json, string, begun, mark);
      if (begun !== null) run.counts.set(begun.rule, (run.counts.get(begun.rule) ?? 0) + 1);
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
      if (!mayHold(line, run.checkTime)) return line;
      return isJson(line) ? replaceInJson(line, run, 0) : replaceSecrets(line, run);
    },
  };
}

/** Throws RedactionTimeError once the time is used up. */
function deadlineIn(budgetMs: number, now: () => number): () => void {
  const deadline = now() + budgetMs;
  return () => {
    if (now() > deadline) throw new RedactionTimeError(budgetMs);
  };
}

/** Finds the span that began before a place and ends behind it. Places must not go back. */
function createLookup(spans: readonly Span[]): (place: number) => Span | null {
  let next = 0;
  return (place) => {
    while ((spans[next]?.end ?? Number.POSITIVE_INFINITY) <= place) next += 1;
    const span = spans[next];
    return span !== undefined && span.start < place ? span : null;
  };
}

/** A string with the rest of a secret that began in one before, as in a list of the lines of a file. */
function replaceRest(json: string, { start, end }: JsonString, secret: Span, mark: Marker): string {
  const covered = Math.min(secret.end, end - 1);
  const rest = decodeJsonString(`"${json.slice(covered, end - 1)}"`) ?? "";
  return mark(secret.rule, json.slice(start + 1, covered)) + rest;
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
