import { type FileHunk, sessionFileSchema, sessionFilesQuerySchema } from "@wharf/protocol";
import { changeOfCall } from "@wharf/transcripts";
import { Hono } from "hono";
import { sessionExists } from "../db/reads/sessions.ts";
import { findWritingCalls, listFiles, type WritingCall } from "../db/reads/transcripts/files.ts";
import { operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, positionIdSchema } from "../http/pagination.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";

/** Of each change in a response. */
const DIFF_CHARACTERS_MAX = 16 * 1024;

const list = operation({
  scopes: ["read"],
  tag: "Transcripts",
  summary: "List the files that a session read and wrote, by path",
  description:
    "With `path`, only this file, and the latest changes as the inputs of its calls show them: what a command changes is not among them.",
  query: sessionFilesQuerySchema,
  responses: { 200: pageResponse("files", sessionFileSchema) },
  example: {
    status: 200,
    path: { id: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41" },
    query: { path: "/home/ada/site/greeting.ts" },
  },
});

/** GET /api/sessions/:id/files */
export function sessionFileRoutes({ reads }: { reads: UpToDate }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/:id/files", list, async function getFiles(c) {
    const session_id = readPathId(c, "id", "session");
    const { limit, cursor: sent, path } = c.req.valid("query");
    const cursor = createCursor("files", { session_id, path }, positionIdSchema);
    const position = cursor.read(sent);
    const [exists, rows, calls] = await reads.run((sql) =>
      Promise.all([
        sessionExists(sql, session_id),
        listFiles(sql, session_id, { path }, position, limit + 1),
        path === undefined ? null : findWritingCalls(sql, session_id, path),
      ]),
    );
    if (!exists) throw notFound("session");
    const { items, page } = pageOf(rows, limit, cursor, (row) => row.path);
    const hunks = calls === null ? {} : { hunks: calls.map((call) => hunkOf(call, path ?? "")) };
    return c.json({ files: items.map((file) => ({ ...file, ...hunks })), ...page });
  });

  return routes;
}

function hunkOf({ input, is_input_long, ...call }: WritingCall, path: string): FileHunk {
  const diff = changeOfCall(input, path);
  return {
    ...call,
    diff: diff?.slice(0, DIFF_CHARACTERS_MAX) ?? null,
    is_cut: is_input_long || (diff ?? "").length > DIFF_CHARACTERS_MAX,
  };
}
