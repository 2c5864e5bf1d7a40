import type { Sql } from "./postgres.ts";
import type { Fragment } from "./session-facts.ts";

/** JSON that Postgres wrote: it goes into an answer as it stands. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * In the list of a SELECT: `columns` as one column `fields`, the text of a JSON object. Reading forty columns of each row only
 * to write them out again took the server 30 ms for a thousand sessions, half of it spent on what was left behind in memory.
 * Times stay columns of their own: as JSON they would lose their trailing zeros.
 */
export function fieldsAsJson(sql: Sql, columns: Fragment): Fragment {
  return sql`(SELECT row_to_json(fields) FROM (SELECT ${columns}) AS fields)::text AS fields`;
}

/** The object that `fields` holds, with `times` before them. */
export function joinJson(times: Readonly<Record<string, string | null>>, fields: string): JsonText {
  let text = "{";
  for (const name in times) {
    const time = times[name];
    text += time === null ? `"${name}":null,` : `"${name}":"${time}",`;
  }
  return new JsonText(text + fields.slice(1));
}
