import { type EXPORT_FORMATS, sessionExportQuerySchema, sessionSelectionQuerySchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { findSessionDetail } from "../db/reads/session-detail.ts";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { createStreamResponse } from "../http/stream-response.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import type { Search } from "../search/create-search.ts";
import { exportJson } from "../transcripts/export/export-json.ts";
import { exportMarkdown } from "../transcripts/export/export-markdown.ts";
import { exportTars, exportTexts, selectedIds } from "../transcripts/export/export-sessions.ts";
import { exportTar } from "../transcripts/export/export-tar.ts";
import { readSelection } from "./session-selections.ts";

const FORMATS = {
  json: { contentType: "application/json", extension: "json" },
  markdown: { contentType: "text/markdown; charset=utf-8", extension: "md" },
  tar: { contentType: "application/x-tar", extension: "tar" },
} as const satisfies Record<(typeof EXPORT_FORMATS)[number], { contentType: string; extension: string }>;
/** Of several sessions as JSON: one in each line. */
const LINES = { contentType: "application/x-ndjson", extension: "ndjson" };

const download = operation({
  scopes: ["read"],
  tag: "Transcripts",
  summary: "Download a session",
  description:
    "`json`: the session with all messages and whole texts. `markdown`: the texts of the `steps` density, with the calls between two texts folded into a list, and its subagents. `tar`: its transcript files as kept, after redaction, an older generation with its number at the end of its name. A response that breaks off is incomplete: the connection closes without its end.",
  query: sessionExportQuerySchema,
  responses: { 200: { contentType: "text/markdown" } },
  example: {
    status: 200,
    path: { id: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41" },
    query: { format: "markdown" },
  },
});

const downloadAll = operation({
  scopes: ["read"],
  tag: "Transcripts",
  summary: "Download sessions, newest first",
  description:
    "Those that match all given parameters, which are those of GET /api/sessions, and `ids`; without any, all. `json`: one session a line. `markdown`: one after the other. `tar`: a directory for each session. A response that breaks off is incomplete: the connection closes without its end.",
  query: sessionSelectionQuerySchema.extend(sessionExportQuerySchema.shape),
  responses: { 200: { contentType: "text/markdown" } },
  example: { status: 200, query: { ids: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41", format: "markdown" } },
});

export type SessionExportDependencies = {
  reads: UpToDate;
  search: Search;
  stored: { database: Database; blobs: BlobStore };
};

/** GET /api/sessions/export and /api/sessions/:id/export */
export function sessionExportRoutes({ reads, search, stored }: SessionExportDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const streamResponse = createStreamResponse();

  routes.get("/export", downloadAll, async function getExports(c) {
    const { format, ...selection } = c.req.valid("query");
    const filters = await readSelection({ reads, search }, selection);
    // Its projections are awaited here, not for each page of the stream.
    await reads.run(() => Promise.resolve(), filters);
    const { contentType, extension } = format === "json" ? LINES : FORMATS[format];
    c.header("content-disposition", `attachment; filename="sessions.${extension}"`);
    const ids = selectedIds(stored.database, filters);
    if (format === "tar") return streamResponse(c, contentType, exportTars(stored, ids));
    return streamResponse(c, contentType, encoded(exportTexts(stored.database, ids, format)));
  });

  routes.get("/:id/export", download, async function getExport(c) {
    const id = readPathId(c, "id", "session");
    const { format } = c.req.valid("query");
    const detail = await reads.run((sql) => findSessionDetail(sql, id), { session_id: id });
    if (detail === null) throw notFound("session");
    const { contentType, extension } = FORMATS[format];
    c.header("content-disposition", `attachment; filename="session-${fileName(id)}.${extension}"`);
    if (format === "tar") return streamResponse(c, contentType, exportTar(stored, id));
    const texts =
      format === "json" ? exportJson(stored.database, detail) : exportMarkdown(stored.database, detail);
    return streamResponse(c, contentType, encoded(texts));
  });

  return routes;
}

/** Small texts are joined: a part of its own costs a system call. */
const PART_CHARACTERS_MIN = 64 * 1024;

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let part = "";
  for await (const text of texts) {
    part += text;
    if (part.length < PART_CHARACTERS_MIN) continue;
    yield encoder.encode(part);
    part = "";
  }
  if (part !== "") yield encoder.encode(part);
}

function fileName(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 100);
}
