import { type EXPORT_FORMATS, sessionExportQuerySchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { findSessionRelations } from "../db/reads/session-relations.ts";
import { findSession, findTranscriptFacts } from "../db/reads/sessions.ts";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { createStreamResponse } from "../http/stream-response.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import { exportJson } from "../transcripts/export/export-json.ts";
import { exportMarkdown } from "../transcripts/export/export-markdown.ts";
import { exportTar } from "../transcripts/export/export-tar.ts";

const FORMATS = {
  json: { contentType: "application/json", extension: "json" },
  markdown: { contentType: "text/markdown; charset=utf-8", extension: "md" },
  tar: { contentType: "application/x-tar", extension: "tar" },
} as const satisfies Record<(typeof EXPORT_FORMATS)[number], { contentType: string; extension: string }>;

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

export type SessionExportDependencies = { reads: UpToDate; stored: { database: Database; blobs: BlobStore } };

/** GET /api/sessions/:id/export */
export function sessionExportRoutes({ reads, stored }: SessionExportDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const streamResponse = createStreamResponse();

  routes.get("/:id/export", download, async function getExport(c) {
    const id = readPathId(c, "id", "session");
    const { format } = c.req.valid("query");
    const [session, facts, relations] = await reads.run(
      (sql) =>
        Promise.all([findSession(sql, id), findTranscriptFacts(sql, id), findSessionRelations(sql, id)]),
      { session_id: id },
    );
    if (session === null) throw notFound("session");
    const detail = { ...session, ...facts, ...relations };
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
