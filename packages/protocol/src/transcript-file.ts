import { z } from "zod";
import { AGENTS } from "./agent-names.ts";
import { idSchema, timestampSchema, WORKSPACE_ID_CHARACTERS_MAX } from "./event.ts";

/** `main` and `subagent` are JSON lines that grow; each version of the others, which are small, is a generation of its own. */
export const TRANSCRIPT_KINDS = ["main", "subagent", "tool-result", "meta", "index"] as const;
export type TranscriptKind = (typeof TRANSCRIPT_KINDS)[number];

export const TRANSCRIPT_FILE_BYTES_MAX = 500;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are refused.
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;
const chainHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { error: "must be 64 hexadecimal digits in lower case" });

/** An id without characters that are replaced when events are stored. */
export const plainIdSchema = idSchema
  .refine((id) => !CONTROL_CHARACTER.test(id), { error: "must not contain control characters" })
  .refine((id) => id.isWellFormed(), { error: "must be well-formed Unicode" });

const flag = z
  .enum(["0", "1", "false", "true"])
  .transform((word) => word === "1" || word === "true")
  .pipe(z.boolean());

/** The path of a file below its session's folder, such as `subagents/agent-1.jsonl`. */
export const transcriptFileSchema = z
  .string()
  .min(1)
  .refine(isRelativePath, {
    error: `must be a path of at most ${TRANSCRIPT_FILE_BYTES_MAX} bytes below the session's folder, without "..", empty names, backslashes and control characters`,
  });

function isRelativePath(path: string): boolean {
  if (new TextEncoder().encode(path).length > TRANSCRIPT_FILE_BYTES_MAX) return false;
  if (CONTROL_CHARACTER.test(path) || path.includes("\\") || !path.isWellFormed()) return false;
  return path.split("/").every((name) => name !== "" && name !== "." && name !== "..");
}

const count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const generation = z.coerce.number().int().min(1).max(2_147_483_647);

const deviceFile = {
  agent: z.enum(AGENTS),
  device_id: plainIdSchema,
  /** As in events: the canonical id of a remote, a remote, or a workspace's own id. */
  workspace_id: z.string().min(1).max(WORKSPACE_ID_CHARACTERS_MAX),
  /** When the agent deletes the file on the device. */
  deletes_at: timestampSchema,
};

/** The kind of a file that is sent without one. */
export function kindOfFile(file: string): TranscriptKind {
  return file.startsWith("subagents/") && file.endsWith(".jsonl") ? "subagent" : "main";
}

/** POST /api/sessions/:id/transcript/append. Without a kind, that of the path: kindOfFile. `offset` is a position in the device's own file. */
export const transcriptAppendQuerySchema = z.object({
  ...deviceFile,
  workspace_id: deviceFile.workspace_id.optional(),
  deletes_at: deviceFile.deletes_at.optional(),
  file: transcriptFileSchema,
  kind: z.enum(TRANSCRIPT_KINDS).optional(),
  generation: generation.optional(),
  offset: count.default(0),
  final: flag.optional(),
});

/** Headers of an append: about the device's own file, before redaction. */
export const sourceHeadersSchema = z.object({
  "source-offset-hash": chainHash.optional(),
  "source-bytes": count.optional(),
  "source-hash": chainHash.optional(),
});

/** POST /api/sessions/:id/transcript/upload. Without agent and device, those of the session; without a file, the main one. */
export const transcriptUploadQuerySchema = z
  .object({
    agent: deviceFile.agent.optional(),
    device_id: deviceFile.device_id.optional(),
    workspace_id: deviceFile.workspace_id.optional(),
    deletes_at: deviceFile.deletes_at.optional(),
    file: transcriptFileSchema.optional(),
    kind: z.enum(TRANSCRIPT_KINDS).optional(),
    /** Names `subagents/agent-<id>.jsonl` of the kind subagent. */
    subagent_id: plainIdSchema
      .refine((id) => !/[/\\]/.test(id), { error: "must not contain slashes" })
      .optional(),
  })
  .refine(({ subagent_id, file, kind }) => subagent_id === undefined || (file ?? kind) === undefined, {
    path: ["subagent_id"],
    error: "names the file and its kind: omit `file` and `kind`, or omit `subagent_id`",
  });

/** GET /api/sessions/:id/transcript/files. */
export const transcriptFilesQuerySchema = z.object({ device_id: plainIdSchema.optional() });

/** GET /api/sessions/:id/transcript/raw. Without a file, the main one; without a device, that of the session's own device comes first. */
export const transcriptRawQuerySchema = z.object({
  file: transcriptFileSchema.optional(),
  generation: generation.optional(),
  agent: deviceFile.agent.optional(),
  device_id: plainIdSchema.optional(),
});

/** Of the device's own file: up to the end of the last whole line. */
const source = {
  source_bytes: z.number(),
  /** Null after a part that ended within a line. */
  source_hash: z.string().nullable(),
};

export const transcriptAppendResponseSchema = z.object({
  file: z.string(),
  generation: z.number(),
  ...source,
  stored_bytes: z.number(),
  status: z.enum(["appended", "already_held"]),
});
export type TranscriptAppendResponse = z.infer<typeof transcriptAppendResponseSchema>;

/** Member `held` of a problem with the code TRANSCRIPT_CONFLICT. */
export const transcriptHeldSchema = z.object({ generation: z.number(), ...source });
export type TranscriptHeld = z.infer<typeof transcriptHeldSchema>;

export const transcriptUploadResponseSchema = z.object({
  status: z.enum(["uploaded", "already_uploaded"]),
  s3_key: z.string(),
  reconcile_enqueued: z.boolean(),
});
export type TranscriptUploadResponse = z.infer<typeof transcriptUploadResponseSchema>;

const transcriptFileStateSchema = z.object({
  file: z.string(),
  kind: z.enum(TRANSCRIPT_KINDS),
  agent: z.enum(AGENTS),
  device_id: z.string(),
  generation: z.number(),
  ...source,
  stored_bytes: z.number(),
  lines: z.number(),
  last_received_at: z.string(),
  parsed_bytes: z.number(),
  deletes_at: z.string().nullable(),
});
export type TranscriptFile = z.infer<typeof transcriptFileStateSchema>;
export const transcriptFilesResponseSchema = z.object({ files: z.array(transcriptFileStateSchema) });
