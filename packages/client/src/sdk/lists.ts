import type { Page } from "@wharf/protocol";
import type { Http, QueryValue } from "./http.ts";

/** The parameters of a route by name; lists are sent as `a,b`. */
export type QueryOf<Parameters> = { [Name in keyof Parameters]?: QueryValue };
export type ListOf<Name extends string, Item> = Page & { [key in Name]: Item[] };

/** Encodes an id for a path. */
export function segment(id: string): string {
  return encodeURIComponent(id);
}

/** The items of all pages; a page is requested when the one before it was used up. */
export async function* everyItem<Name extends string, Item>(
  http: Http,
  path: string,
  name: Name,
  query: QueryOf<Record<string, unknown>> = {},
): AsyncGenerator<Item> {
  let cursor: string | null = null;
  do {
    const page: ListOf<Name, Item> = await http.json(path, { query: { ...query, cursor } });
    yield* page[name];
    cursor = page.next_cursor;
  } while (cursor !== null);
}
