import {
  transcriptFilesQuerySchema,
  transcriptFilesResponseSchema,
  transcriptRawQuerySchema,
} from "@wharf/protocol";
import { type Context, Hono } from "hono";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { sessionExists } from "../db/reads/sessions.ts";
import { findFile, listFiles } from "../db/transcripts/list-files.ts";
import { callerOf, requireDevice } from "../http/caller.ts";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problem.ts";
import { invalidParameter, readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { createStreamResponse } from "../http/stream-response.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import { redactFileName } from "../redaction/redact-file-name.ts";
import { readStored } from "../transcripts/read-stored.ts";
import { MAIN_FILE } from "./custody-requests.ts";

const tag = "Transcripts";
const path = { id: "b7e23ec2-9af2-4c61-8f0b-5d1c7e9a3f64" };
const BYTES = "application/octet-stream";

const list = operation({
  scopes: ["ingest", "read"],
  tag,
  summary: "List the transcript files that are held of a session",
  description:
    "The newest generation of each file. An ingest key lists the files of one device: its own if it is bound, otherwise that of `device_id`.",
  query: transcriptFilesQuerySchema,
  responses: { 200: transcriptFilesResponseSchema },
  example: { status: 200, path, query: { device_id: "laptop" } },
});

const raw = operation({
  scopes: ["read"],
  tag,
  summary: "Get a transcript file as kept, after redaction",
  description:
    "By default the newest generation of the main file. Of several devices' files, that of the session's own device.",
  query: transcriptRawQuerySchema,
  responses: { 200: { contentType: BYTES } },
  example: { status: 200, path, query: { file: MAIN_FILE } },
});

export type TranscriptFileDependencies = {
  reads: Database;
  blobs: BlobStore;
  redaction: Pick<Redaction, "texts">;
};

/** GET /api/sessions/:id/transcript/files and /raw: what is held of a session's files. */
export function transcriptFileRoutes({ reads, blobs, redaction }: TranscriptFileDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const streamResponse = createStreamResponse();

  routes.get("/:id/transcript/files", list, async function getFiles(c) {
    const session_id = readPathId(c, "id", "session");
    const device_id = readableDevice(c, c.req.valid("query").device_id);
    const files = await reads.run((sql) => listFiles(sql, session_id, device_id));
    const isReader = callerOf(c).scope !== "ingest";
    if (files.length === 0 && isReader && !(await reads.run((sql) => sessionExists(sql, session_id))))
      throw notFound("session");
    return c.json({ files });
  });

  routes.get("/:id/transcript/raw", raw, async function getRaw(c) {
    const session_id = readPathId(c, "id", "session");
    const { file: named, generation, agent, device_id } = c.req.valid("query");
    const file = named === undefined ? undefined : await redactFileName(redaction, named);
    const filter = { session_id, file, generation, agent, device_id };
    const found = await reads.run((sql) => findFile(sql, filter));
    if (found === null) throw notFound("transcript file");
    return streamResponse(c, BYTES, readStored({ database: reads, blobs }, found));
  });

  return routes;
}

/** The device whose files are listed; null: all. Throws ProblemError 400 and 403. */
function readableDevice(c: Context<AppEnv>, named: string | undefined): string | null {
  const { scope, deviceId } = callerOf(c);
  const device_id = named ?? deviceId ?? null;
  if (device_id !== null) requireDevice(c, device_id);
  else if (scope === "ingest")
    throw invalidParameter("device_id", "is required with an ingest key that is bound to no device");
  return device_id;
}
