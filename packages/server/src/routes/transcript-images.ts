import { Hono } from "hono";
import { findImage } from "../db/transcripts/images.ts";
import { operation } from "../http/operation.ts";
import { notFound, ProblemError, type ProblemOptions } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";
import { IMAGE_BYTES_MAX, type NoImage, readImage } from "../transcripts/read-image.ts";
import type { StoredTranscripts } from "../transcripts/read-stored.ts";

const IMAGE_MB_MAX = IMAGE_BYTES_MAX / 1024 / 1024;

const read = operation({
  scopes: ["read"],
  tag: "Transcripts",
  summary: "Get an image of a transcript",
  description: `The bytes of an entry of a block's \`metadata.images\`, counted from 0. PNG, JPEG, GIF and WebP up to ${IMAGE_MB_MAX} MB, recognised by their first bytes; the media type that the transcript states does not count.`,
  responses: { 200: { contentType: "image/*" }, 304: null },
  problems: { 422: "The bytes are no such image, or too many." },
  example: {
    status: 200,
    path: {
      id: "b7e23ec2-9af2-4c61-8f0b-5d1c7e9a3f64",
      block_id: "5cdb7829863ffb25e42c86ce7b4e3a8a",
      index: "0",
    },
  },
});

/** Nothing in it runs, also where a browser takes it for a page. */
const POLICY = "sandbox; default-src 'none'";
const INDEX = /^\d{1,4}$/;

const PROBLEMS: Readonly<Record<NoImage, ProblemOptions>> = {
  "not held": {
    status: 404,
    code: "IMAGE_NOT_HELD",
    detail: "The transcript file does not hold this image any more.",
  },
  "too large": {
    status: 422,
    code: "IMAGE_TOO_LARGE",
    detail: `The image has more than ${IMAGE_MB_MAX} MB. The raw transcript file has its bytes.`,
  },
  unsupported: {
    status: 422,
    code: "IMAGE_UNSUPPORTED",
    detail: "These bytes are not a PNG, JPEG, GIF or WebP image. The raw transcript file has them.",
  },
};

export type TranscriptImageDependencies = { reads: UpToDate; stored: StoredTranscripts };

/** GET /api/sessions/:id/transcript/blocks/:block_id/images/:index */
export function transcriptImageRoutes({ reads, stored }: TranscriptImageDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/:id/transcript/blocks/:block_id/images/:index", read, async function getImage(c) {
    const session_id = readPathId(c, "id", "session");
    const block_id = readPathId(c, "block_id", "block");
    const index = readPathId(c, "index", "image");
    if (!INDEX.test(index)) throw notFound("image");
    const place = { session_id, block_id, index: Number(index) };
    const found = await reads.run((sql) => findImage(sql, place), { session_id });
    if (found === null) throw notFound("image");
    const image = await readImage(stored, found);
    if (typeof image === "string") throw new ProblemError(PROBLEMS[image]);
    const { contentType, bytes } = image;
    const etag = `"${new Bun.CryptoHasher("sha256").update(bytes).digest("base64url")}"`;
    // Asked for again at each view: who may not read the session any more, or once it is deleted, sees nothing of it.
    const headers = { etag, "cache-control": "private, no-cache", "content-security-policy": POLICY };
    if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
    return c.body(bytes, 200, { ...headers, "content-type": contentType });
  });

  return routes;
}
