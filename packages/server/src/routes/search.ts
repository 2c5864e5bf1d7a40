import { searchQuerySchema, searchResponseSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { noteSearch } from "../db/edits/hub-settings.ts";
import { operation } from "../http/operation.ts";
import { createCursor } from "../http/pagination.ts";
import { ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { Search } from "../search/create-search.ts";
import { QueryError } from "../search/parse-query.ts";

const search = operation({
  scopes: ["read"],
  tag: "Search",
  summary: "Search prompts, answers, commands, paths, output, titles, summaries and commit messages",
  description:
    'Each session once, by its best message. `q` takes words, `"a phrase"`, `-word`, and the filters `tool:`, `file:`, `device:`, ' +
    "`workspace:`, `agent:`, `model:`, `before:`, `after:`, `has:error` and `is:prompt`; `-` before a filter excludes what matches it. `tier` names how the last result of the page " +
    "matches: all words as written, all words in any form, some of the words, or a close spelling. `fragments` are plain text; " +
    "`marks` are offsets in UTF-16 units. `is_newest_only`: more than 1,000 messages match, and older ones were not ranked.",
  query: searchQuerySchema,
  responses: { 200: searchResponseSchema },
  example: { status: 200, query: { q: "test tool:Bash", limit: "10" } },
});

const shownSchema = z.array(z.string().max(20)).max(1_000);

export type SearchDependencies = { search: Search; edits: Database };

/** /api/search */
export function searchRoutes({ search: sessions, edits }: SearchDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  let isNoted = false;

  routes.get("/", search, async function getSearch(c) {
    const { q, limit, cursor: sent } = c.req.valid("query");
    // What was shown: however the ranks change between two pages, no session is shown twice, and none is left out.
    const cursor = createCursor("search", { q }, shownSchema);
    const { shown, hasMore, ...page } = await checked(() => sessions.page(q, limit, cursor.read(sent) ?? []));
    // For the setup list. A database that takes no writes is searched, too.
    if (!isNoted) await edits.run(noteSearch).catch(() => undefined);
    isNoted = true;
    return c.json({ ...page, next_cursor: hasMore ? cursor.write(shown) : null, has_more: hasMore });
  });

  return routes;
}

/** Throws ProblemError 400 for a filter in `q` with a value that it cannot have. */
export async function checked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    const { message: detail } = error;
    throw new ProblemError({
      status: 400,
      code: "VALIDATION_FAILED",
      detail,
      errors: [{ pointer: "/q", detail }],
    });
  }
}
