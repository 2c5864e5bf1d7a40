import { kindOfFile, transcriptUploadQuerySchema, transcriptUploadResponseSchema } from "@wharf/protocol";
import { type Context, Hono } from "hono";
import { findUploadTarget } from "../db/transcripts/session-of-file.ts";
import { readBodyChunks } from "../http/body-stream.ts";
import { callerOf, requireDevice } from "../http/caller.ts";
import { operation } from "../http/operation.ts";
import { notFound } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import { redactFileName } from "../redaction/redact-file-name.ts";
import { type CustodyDependencies, type NamedFile, transcriptKey } from "../transcripts/custody/custody.ts";
import { isJsonLines } from "../transcripts/custody/frame-part.ts";
import {
  PIECE_BYTES,
  type UploadOutcome,
  uploadFile,
  uploadVersion,
} from "../transcripts/custody/upload-file.ts";
import {
  custodyBody,
  custodyProblems,
  exampleLine,
  MAIN_FILE,
  readPart,
  readSessionId,
  sessionDeleted,
} from "./custody-requests.ts";

const DEFAULT_AGENT = "claude-code";

const upload = operation({
  scopes: ["ingest"],
  tag: "Transcripts",
  summary: "Upload a whole transcript file",
  description:
    "Streamed, and stored in pieces. What follows the bytes held is appended; a file that does not begin with them becomes the next generation. Content-Encoding may be gzip or zstd. `device_id` and `agent` default to those of the key and of the session. `file`, by default `main.jsonl`, and `kind` are those of an append; `subagent_id=ID` is short for `file=subagents/agent-ID.jsonl`. Files of the kinds tool-result, meta and index are limited to `transcript_part_bytes`, and each new version is a generation.",
  query: transcriptUploadQuerySchema,
  rawBody: custodyBody,
  responses: { 200: transcriptUploadResponseSchema, 202: transcriptUploadResponseSchema },
  problems: custodyProblems,
  example: {
    status: 202,
    path: { id: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41" },
    query: { device_id: "laptop", subagent_id: "a1" },
    body: exampleLine,
  },
});

/** POST /api/sessions/:id/transcript/upload: a file as a whole. */
export function transcriptUploadRoutes(custody: CustodyDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/:id/transcript/upload", upload, async function postUpload(c) {
    const { subagent_id, workspace_id, deletes_at, ...query } = c.req.valid("query");
    const session_id = readSessionId(c);
    const owner = await ownerOf(c, session_id, query.device_id);
    const named =
      subagent_id === undefined ? (query.file ?? MAIN_FILE) : `subagents/agent-${subagent_id}.jsonl`;
    const file = await redactFileName(custody.redaction, named);
    const agent = query.agent ?? owner.agent ?? DEFAULT_AGENT;
    const outcome = await keep(c, {
      place: { session_id, agent, device_id: owner.device_id, file },
      kind: query.kind ?? kindOfFile(named),
      workspace: workspace_id ?? null,
      deletes_at: deletes_at ?? null,
    });
    if (outcome === "deleted") throw sessionDeleted();
    const s3_key = transcriptKey(session_id, file);
    if (outcome === "exists")
      return c.json({ status: "already_uploaded", s3_key, reconcile_enqueued: false });
    return c.json({ status: "uploaded", s3_key, reconcile_enqueued: true }, 202);
  });

  async function keep(c: Context<AppEnv>, named: NamedFile): Promise<UploadOutcome> {
    const limits = c.get("limits");
    const line_bytes_max = limits.transcript_line_bytes;
    if (!isJsonLines(named.kind))
      return await uploadVersion(custody, { ...named, body: await readPart(c) }, line_bytes_max);
    const content = readBodyChunks(c, {
      bytes_max: limits.transcript_body_bytes,
      receive_ms: limits.transcript_receive_ms,
      held_bytes: 2 * PIECE_BYTES,
    });
    return await uploadFile(custody, { ...named, content }, line_bytes_max);
  }

  /** Throws ProblemError 403 for another device than the key's, 404 and 410. */
  async function ownerOf(c: Context<AppEnv>, session_id: string, named: string | undefined) {
    const target = await custody.database.run((sql) => findUploadTarget(sql, session_id));
    if (target.is_deleted) throw sessionDeleted();
    const device_id = named ?? callerOf(c).deviceId ?? target.device_id;
    if (device_id === null) throw notFound("session");
    requireDevice(c, device_id);
    return { device_id, agent: target.agent };
  }

  return routes;
}
