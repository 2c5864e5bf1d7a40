import {
  deleteSessionsSchema,
  type SessionSelection,
  sessionCountsSchema,
  sessionSelectionQuerySchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { countSessions, listMatching, type SessionFilters } from "../db/reads/session-selection.ts";
import { actorOf } from "../http/caller.ts";
import { storable } from "../http/json.ts";
import { operation } from "../http/operation.ts";
import { ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import type { DeleteSessions } from "../jobs/delete-sessions.ts";
import type { Search } from "../search/create-search.ts";
import { checked } from "./search.ts";

export type SelectionDependencies = {
  reads: UpToDate;
  edits: UpToDate;
  search: Search;
  deleteSessions: DeleteSessions;
};

const tag = "Sessions";
/** Their ids are in the job. */
const DELETED_AT_ONCE_MAX = 100_000;

const count = operation({
  scopes: ["read"],
  tag,
  summary: "Count sessions",
  description: "Those that match all given parameters, which are those of GET /api/sessions, and `ids`.",
  query: sessionSelectionQuerySchema,
  responses: { 200: sessionCountsSchema },
  example: { status: 200, query: { device_id: "laptop" } },
});

const remove = operation({
  scopes: ["admin"],
  tag,
  summary: "Delete all sessions that match the filter, with their events and transcripts",
  description: `The fields are the parameters of GET /api/sessions, and \`ids\`; one of them is required. A job deletes the sessions that match at the time of the request, at most ${DELETED_AT_ONCE_MAX}. Later events and reports do not restore them. With \`expected\`, which GET /api/sessions/count returns, nothing is deleted if more sessions match; with \`q\`, it is required.`,
  body: storable(deleteSessionsSchema),
  responses: { 202: sessionCountsSchema.extend({ job_id: z.string() }) },
  problems: { 409: "More sessions match than expected." },
  example: { status: 202, body: { tag: "no-such-tag", expected: 0 } },
});

/** The filter with the id of its workspace, and the sessions that a search finds. Throws ProblemError 400. */
export async function readSelection(
  { reads, search }: Pick<SelectionDependencies, "reads" | "search">,
  { q, ids, ...fields }: SessionSelection,
): Promise<SessionFilters> {
  const filters = await withWorkspaceId(reads, fields);
  if (q === undefined) return { ...filters, ids };
  const found = [q, ...(await checked(() => search.sessionIds(q)))];
  return { ...filters, ids: ids === undefined ? found : ids.filter((id) => found.includes(id)) };
}

/** /api/sessions: what is done with all sessions that match. */
export function sessionSelectionRoutes(dependencies: SelectionDependencies): Hono<AppEnv> {
  const { reads, edits, deleteSessions } = dependencies;
  const routes = new Hono<AppEnv>();

  routes.get("/count", count, async function getCount(c) {
    const filters = await readSelection(dependencies, c.req.valid("query"));
    return c.json(await reads.run((sql) => countSessions(sql, filters), filters));
  });

  routes.post("/delete", remove, async function postDelete(c) {
    const { expected, ...selection } = c.req.valid("json");
    requireFilter(selection);
    if (selection.q !== undefined && expected === undefined) throw notCounted();
    const filters = await readSelection(dependencies, selection);
    const found = await edits.run((sql) => listMatching(sql, filters, DELETED_AT_ONCE_MAX + 1), filters);
    if (found.length > DELETED_AT_ONCE_MAX) throw tooMany();
    if (expected !== undefined && found.length > expected) throw moreThanExpected(found.length, expected);
    const ids = found.map((session) => session.id);
    const { id } = await deleteSessions({ filter: selection, ids, ...actorOf(c) });
    const counts = { sessions: ids.length, open_sessions: found.filter(({ is_open }) => is_open).length };
    return c.json({ job_id: id, ...counts }, 202);
  });

  return routes;
}

/** An empty filter would match all sessions. */
function requireFilter(selection: SessionSelection): void {
  if (Object.values(selection).some((value) => value !== undefined)) return;
  throw new ProblemError({
    status: 400,
    code: "FILTER_REQUIRED",
    detail: "A filter is required, such as ids, workspace_id, device_id, tag, before or q.",
  });
}

function notCounted(): ProblemError {
  return new ProblemError({
    status: 400,
    code: "EXPECTED_REQUIRED",
    detail:
      "With q, expected is required: a search also finds sessions that match only some of its words. GET /api/sessions/count returns their number.",
  });
}

function tooMany(): ProblemError {
  return new ProblemError({
    status: 400,
    code: "SELECTION_TOO_LARGE",
    detail: `More than ${DELETED_AT_ONCE_MAX} sessions match. Delete them in parts, such as by before.`,
  });
}

function moreThanExpected(sessions: number, expected: number): ProblemError {
  return new ProblemError({
    status: 409,
    code: "SELECTION_CHANGED",
    detail: `${sessions} sessions match, but ${expected} were expected. Nothing was deleted. Count them again.`,
    extensions: { sessions },
  });
}
