import {
  kindOfFile,
  type TranscriptHeld,
  transcriptAppendQuerySchema,
  transcriptAppendResponseSchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import { requireDevice } from "../http/caller.ts";
import { operation } from "../http/operation.ts";
import { ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import { redactFileName } from "../redaction/redact-file-name.ts";
import { appendPart } from "../transcripts/custody/append-part.ts";
import type { CustodyDependencies } from "../transcripts/custody/custody.ts";
import {
  custodyBody,
  custodyProblems,
  exampleLine,
  readPart,
  readSessionId,
  readSourceHeaders,
  sessionDeleted,
} from "./custody-requests.ts";

const append = operation({
  scopes: ["ingest"],
  tag: "Transcripts",
  summary: "Append to a transcript file of a device",
  description:
    "The body is the part of the device's file from `offset` on; Content-Encoding may be gzip or zstd. A part may be cut anywhere: whole lines are kept, and `source_bytes` in the response is the end of the last one, where the next part begins. `final=1` keeps a last line without a newline. Responds after the commit; repeating a request is harmless. A file that was rewritten or became shorter starts the next `generation` at offset 0. Files of the kinds tool-result, meta and index are sent whole; each version is a generation. Without `kind`, `subagents/*.jsonl` is a subagent's and any other file the main one. A device that redacts describes its own file in the headers Source-Offset-Hash, Source-Bytes and Source-Hash, and redacts whole lines only. 409 names what is held: compare, then continue there, or start the next generation.",
  query: transcriptAppendQuerySchema,
  rawBody: custodyBody,
  responses: { 202: transcriptAppendResponseSchema },
  problems: { ...custodyProblems, 409: "The part does not continue what is held; `held` names it." },
  example: {
    status: 202,
    path: { id: "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41" },
    query: { agent: "claude-code", device_id: "laptop", file: "session.jsonl", offset: "0" },
    body: exampleLine,
  },
});

/** POST /api/sessions/:id/transcript/append: devices send what their agents' files gained. */
export function transcriptAppendRoutes(custody: CustodyDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/:id/transcript/append", append, async function postAppend(c) {
    const { agent, device_id, file: named, ...query } = c.req.valid("query");
    const file = await redactFileName(custody.redaction, named);
    const place = { session_id: readSessionId(c), agent, device_id, file };
    requireDevice(c, device_id);
    const source = readSourceHeaders(c);
    const body = await readPart(c);
    const request = {
      place,
      kind: query.kind ?? kindOfFile(named),
      generation: query.generation ?? null,
      offset: query.offset,
      isFinal: query.final ?? false,
      workspace: query.workspace_id ?? null,
      deletes_at: query.deletes_at ?? null,
      source,
      body,
    };
    const outcome = await appendPart(custody, request, c.get("limits").transcript_line_bytes);
    if (outcome.status === "deleted") throw sessionDeleted();
    if (outcome.status === "conflict") throw conflict(file, outcome.held);
    const { generation, source_bytes, source_hash, stored_bytes } = outcome.held;
    return c.json(
      { file: named, generation, source_bytes, source_hash, stored_bytes, status: outcome.status },
      202,
    );
  });

  return routes;
}

function conflict(file: string, held: TranscriptHeld): ProblemError {
  const { generation, source_bytes } = held;
  return new ProblemError({
    status: 409,
    code: "TRANSCRIPT_CONFLICT",
    detail: `Generation ${generation} of ${file} is held up to byte ${source_bytes}, and this part does not continue it. ${nextStep(held)}`,
    extensions: { held },
  });
}

function nextStep({ generation, source_bytes, source_hash }: TranscriptHeld): string {
  if (source_bytes === 0) return `Send the file from offset=0 with generation=${generation}.`;
  if (source_hash === null)
    return "The hash of these bytes is unknown: upload the whole file, which is compared with what is kept.";
  return `If the first ${source_bytes} bytes of the file have the hash held.source_hash, send what follows with offset=${source_bytes}; otherwise send the file from offset=0 with generation=${generation + 1}.`;
}
