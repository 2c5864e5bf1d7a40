import { plainIdSchema, sourceHeadersSchema } from "@wharf/protocol";
import type { Context } from "hono";
import { z } from "zod";
import { type BodyBytes, readBody } from "../http/body.ts";
import { parseWith } from "../http/json.ts";
import { ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { SourceHeaders } from "../transcripts/custody/frame-part.ts";

/** The file that uploads without a subagent are about. */
export const MAIN_FILE = "main.jsonl";

export const custodyBody = { schema: z.string(), contentTypes: ["application/octet-stream"] } as const;

export const custodyProblems = {
  410: "The session was deleted. Deleted sessions are not restored.",
  422: "Redaction takes too long. Nothing was stored; send smaller parts.",
  507: "The store has no space left. Free space, then retry.",
};

export const exampleLine =
  '{"type":"user","uuid":"u1","timestamp":"2025-03-14T10:00:00Z","message":{"content":"Greet the visitor"}}\n';

const pathSchema = z.object({ id: plainIdSchema });
const SOURCE_HEADERS = ["source-offset-hash", "source-bytes", "source-hash"];

/** The session of the path. Throws ProblemError 400 for an id that no session may have. */
export function readSessionId(c: Context<AppEnv>): string {
  return parseWith(pathSchema, { id: c.req.param("id") }).id;
}

/** The headers about the device's own file. Throws ProblemError 400. */
export function readSourceHeaders(c: Context<AppEnv>): SourceHeaders {
  const sent = SOURCE_HEADERS.flatMap((name) => {
    const value = c.req.header(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const headers = parseWith(sourceHeadersSchema, Object.fromEntries(sent));
  return {
    offset_hash: headers["source-offset-hash"] ?? null,
    bytes: headers["source-bytes"] ?? null,
    hash: headers["source-hash"] ?? null,
  };
}

/** A body that is kept at once. Throws ProblemError 400, 408, 413 or 415. */
export async function readPart(c: Context<AppEnv>): Promise<BodyBytes> {
  const limits = c.get("limits");
  const bytes_max = limits.transcript_part_bytes;
  return await readBody(c, { ...limits, body_bytes: bytes_max, decompressed_body_bytes: bytes_max });
}

export function sessionDeleted(): ProblemError {
  return new ProblemError({
    status: 410,
    code: "SESSION_DELETED",
    detail: "This session was deleted. Deleted sessions are not restored.",
  });
}
