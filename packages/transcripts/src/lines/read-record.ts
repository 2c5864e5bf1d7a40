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
/** No agent nests a tenth of it, and the stack holds ten times as much. */
const DEPTH_MAX = 1_000;
/** A shorter line cannot be too deep: each level takes a character at its begin and one at its end. */
const DEEP_CHARACTERS_MIN = 2 * DEPTH_MAX;

/** One physical line without its newline. NUL and lone surrogates in its values become U+FFFD and are counted. */
export function readRecord(line: string): RecordRead {
  const json = line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line;
  if (json.trim() === "") return { line: "blank" };
  const value = parse(json);
  if (!isObject(value)) return { line: "bad" };
  if (json.length > DEEP_CHARACTERS_MIN && isDeeper(value, DEPTH_MAX)) return { line: "bad" };
  if (!UNSTORABLE_ESCAPE.test(json)) return { line: "record", record: value, replaced_characters: 0 };
  const cleaning = { replaced: 0 };
  const record = cleanObject(value, cleaning);
  return { line: "record", record, replaced_characters: cleaning.replaced };
}

function parse(json: string): JsonValue | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isDeeper(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeper(item, levels - 1));
  for (const name in value) if (isDeeper(value[name], levels - 1)) return true;
  return false;
}

type Cleaning = { replaced: number };

function cleanText(text: string, cleaning: Cleaning): string {
  return text.replace(UNSTORABLE, () => {
    cleaning.replaced += 1;
    return REPLACEMENT;
  });
}

function clean(value: JsonValue, cleaning: Cleaning): JsonValue {
  if (typeof value === "string") return cleanText(value, cleaning);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => clean(item, cleaning));
  return cleanObject(value, cleaning);
}

function cleanObject(object: JsonObject, cleaning: Cleaning): JsonObject {
  const entries = Object.entries(object).flatMap(([name, value]) =>
    value === undefined ? [] : [[cleanText(name, cleaning), clean(value, cleaning)] as const],
  );
  return Object.fromEntries(entries);
}
