import { exportQuerySchema, importResponseSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { EXPORTED_TABLES } from "../db/export/exported-tables.ts";
import { exportHub } from "../export/export-hub.ts";
import { IMPORT_LINE_BYTES_MAX, importHub } from "../export/import-hub.ts";
import { readBodyChunks } from "../http/body-stream.ts";
import { operation } from "../http/operation.ts";
import { createCursor } from "../http/pagination.ts";
import type { AppEnv } from "../http/request-context.ts";
import { createStreamResponse } from "../http/stream-response.ts";
import type { Limits } from "../limits.ts";
import type { Redaction } from "../redaction/create-redaction.ts";

const NDJSON = "application/x-ndjson";
const KEY_PARTS_MAX = 5;

const positionSchema = z.object({
  table: z.string().refine((name) => EXPORTED_TABLES.some((table) => table.name === name)),
  key: z.array(z.string()).min(1).max(KEY_PARTS_MAX),
});

const tag = "Transfer";

const download = operation({
  scopes: ["admin"],
  tag,
  summary: "Export workspaces, devices, sessions, events, git activity and transcripts as NDJSON",
  description:
    'Lines with a `table` hold a row, those of `transcript_segments` also its `bytes`. Lines with a `cursor` allow to continue after a break. The last line is `{"end":true}`. Keys and jobs are not exported.',
  query: exportQuerySchema,
  responses: { 200: { contentType: NDJSON } },
  example: { status: 200 },
});

const upload = operation({
  scopes: ["admin"],
  tag,
  summary: "Import an export, or a part of it",
  description:
    "Rows that are there already stay as they are, so that an import may be repeated. A large export is sent in parts that end with a line, in their order. Content-Encoding may be gzip or zstd.",
  rawBody: { schema: z.string(), contentTypes: [NDJSON] },
  responses: { 200: importResponseSchema },
  example: {
    status: 200,
    body: '{"table":"devices","row":{"id":"desktop","name":"desktop","type":"local"}}\n{"end":true}\n',
  },
});

export type HubTransferDependencies = {
  database: Database;
  blobs: BlobStore;
  redaction: Redaction;
  limits: Limits;
};

/** GET /api/export and POST /api/import. */
export function hubTransferRoutes({
  database,
  blobs,
  redaction,
  limits,
}: HubTransferDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const streamResponse = createStreamResponse();
  const cursor = createCursor("export", {}, positionSchema);

  routes.get("/export", download, async function getExport(c) {
    const after = cursor.read(c.req.valid("query").cursor);
    return streamResponse(c, NDJSON, exportHub({ database, blobs, writeCursor: cursor.write }, after));
  });

  routes.post("/import", upload, async function postImport(c) {
    const chunks = readBodyChunks(c, {
      bytes_max: limits.transcript_body_bytes,
      receive_ms: limits.transcript_receive_ms,
      held_bytes: IMPORT_LINE_BYTES_MAX,
    });
    return c.json(await importHub({ database, blobs, redaction, limits }, chunks));
  });

  return routes;
}
