import { countValues, endOfString, mayHoldIndexKeys } from "./json-text.ts";
import { parseJson } from "./parse-json.ts";

/** Parsed, a stored text with index keys may take a thousand times its length (see slotsOf), and a page holds hundreds. */
const PARSED_VALUES_MAX = 2_000;
/** Cannot be guessed, so that no client can send text that is taken for a mark. */
const MARK = `stored-json:${crypto.randomUUID()}:`;
const QUOTED_MARK = `"${MARK}`;
let marks_written = 0;

/** JSON from the database that is not parsed, because it would take too much memory: it goes into the response as it is. */
class StoredJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** JSON.stringify cannot write text as it is: withStoredJson puts it in the place of this mark. */
  toJSON(): string {
    marks_written += 1;
    return MARK + this.text;
  }
}

/** As parseJson, for what the database holds. */
export function readStoredJson(text: string): unknown {
  const isCostly = mayHoldIndexKeys(text) && countValues(text, PARSED_VALUES_MAX) > PARSED_VALUES_MAX;
  return isCostly ? new StoredJson(text) : parseJson(text);
}

/** Whether some response may hold the mark of a StoredJson. */
export function mayHoldStoredJson(): boolean {
  return marks_written > 0;
}

/** The JSON with each StoredJson in it written out. */
export function withStoredJson(json: string): string {
  const parts: string[] = [];
  let copied = 0;
  for (let mark = json.indexOf(QUOTED_MARK); mark !== -1; mark = json.indexOf(QUOTED_MARK, copied)) {
    const end = endOfString(json, mark) + 1;
    parts.push(json.slice(copied, mark), String(JSON.parse(json.slice(mark, end))).slice(MARK.length));
    copied = end;
    marks_written -= 1;
  }
  return parts.join("") + json.slice(copied);
}
