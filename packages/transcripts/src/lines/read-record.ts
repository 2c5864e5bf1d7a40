import { isObject, type JsonObject, type JsonValue } from "./json.ts";

export type RecordRead =
  | { line: "record"; record: JsonObject; replaced_characters: number }
  | { line: "blank" }
  /** Not a JSON object. It is kept raw. */
  | { line: "bad" };

const BYTE_ORDER_MARK = "\uFEFF";
/** In JSON's escapes: what neither TEXT nor JSONB holds. Raw ones are replaced by the decoder or make the line bad. */
const UNSTORABLE_ESCAPE = /\\u(?:0000|d[89a-f][0-9a-f]{2})/i;
const UNSTORABLE = /\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
const REPLACEMENT = "\uFFFD";
/** Of lines in which characters are replaced: no agent nests a tenth of it, and the stack holds ten times as much. */
const DEPTH_MAX = 1_000;

/** One physical line without its newline. NUL and lone surrogates in its values become U+FFFD and are counted. */
export function readRecord(line: string): RecordRead {
  const json = line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line;
  if (json.trim() === "") return { line: "blank" };
  const value = parse(json);
  if (!isObject(value)) return { line: "bad" };
  if (!UNSTORABLE_ESCAPE.test(json)) return { line: "record", record: value, replaced_characters: 0 };
  const cleaning = { replaced: 0, isTooDeep: false };
  const record = cleanObject(value, cleaning, DEPTH_MAX);
  if (cleaning.isTooDeep) return { line: "bad" };
  return { line: "record", record, replaced_characters: cleaning.replaced };
}

function parse(json: string): JsonValue | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

type Cleaning = { replaced: number; isTooDeep: boolean };

function cleanText(text: string, cleaning: Cleaning): string {
  return text.replace(UNSTORABLE, () => {
    cleaning.replaced += 1;
    return REPLACEMENT;
  });
}

function clean(value: JsonValue, cleaning: Cleaning, depth: number): JsonValue {
  if (typeof value === "string") return cleanText(value, cleaning);
  if (typeof value !== "object" || value === null) return value;
  if (depth === 0) {
    cleaning.isTooDeep = true;
    return null;
  }
  if (Array.isArray(value)) return value.map((item) => clean(item, cleaning, depth - 1));
  return cleanObject(value, cleaning, depth - 1);
}

function cleanObject(object: JsonObject, cleaning: Cleaning, depth: number): JsonObject {
  const entries = Object.entries(object).flatMap(([name, value]) =>
    value === undefined ? [] : [[cleanText(name, cleaning), clean(value, cleaning, depth)] as const],
  );
  return Object.fromEntries(entries);
}
