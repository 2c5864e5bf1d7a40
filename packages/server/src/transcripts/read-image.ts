import { isObject, type JsonValue, readRecord } from "@wharf/transcripts";
import pLimit from "p-limit";
import { errorCode } from "../db/database-errors.ts";
import { findSegmentOfLine, type ImageOfBlock } from "../db/transcripts/images.ts";
import { LINE_BYTES_MAX } from "./parse/read-steps.ts";
import { wayToRead } from "./parse/steps-of-file.ts";
import { readSegment, readStored, type StoredTranscripts } from "./read-stored.ts";

export type Image = { contentType: string; bytes: Uint8Array<ArrayBuffer> };
/** Why there is no image to show. */
export type NoImage = "not held" | "too large" | "unsupported";

/** Agents send smaller ones to their models. */
export const IMAGE_BYTES_MAX = 10 * 1024 * 1024;
/** Each holds a segment and a line of it. */
const READS_MAX = 2;
const inTurn = pLimit(READS_MAX);

const NEWLINE = 0x0a;
const BASE64_CHARACTERS = 4;
const BASE64_BYTES = 3;
const DATA_URL = /^data:[^,]{0,100};base64,/i;

/** The image, from the line that holds it. */
export async function readImage(stored: StoredTranscripts, found: ImageOfBlock): Promise<Image | NoImage> {
  return await inTurn(async () => {
    const text = await readText(stored, found);
    const read = text === null ? undefined : readRecord(text);
    const value = read?.line === "record" ? valueAt(read.record, found.image.path) : undefined;
    return typeof value === "string" ? decode(value) : "not held";
  });
}

/** The line, or the file if it is one document. Null: it is not held. */
async function readText(stored: StoredTranscripts, found: ImageOfBlock): Promise<string | null> {
  try {
    const bytes =
      wayToRead(found) === "whole" ? await readWhole(stored, found) : await readLine(stored, found);
    return bytes === null ? null : new TextDecoder().decode(bytes);
  } catch (error) {
    if (errorCode(error) === "STORAGE_BLOB_DAMAGED") return null;
    throw error;
  }
}

async function readWhole(stored: StoredTranscripts, found: ImageOfBlock): Promise<Uint8Array | null> {
  if (found.stored_bytes > LINE_BYTES_MAX) return null;
  return Buffer.concat(await Array.fromAsync(readStored(stored, found)));
}

async function readLine(
  { database, blobs }: StoredTranscripts,
  { image: { line }, ...place }: ImageOfBlock,
): Promise<Uint8Array | null> {
  const segment = await database.run((sql) => findSegmentOfLine(sql, place, line));
  if (segment === null) return null;
  const bytes = await readSegment(blobs, segment);
  let from = 0;
  for (let before = segment.lines_before; before < line - 1; before += 1)
    from = bytes.indexOf(NEWLINE, from) + 1;
  const end = bytes.indexOf(NEWLINE, from);
  return bytes.subarray(from, end === -1 ? undefined : end);
}

/** Undefined where the path leads nowhere. */
function valueAt(record: JsonValue, path: readonly (string | number)[]): JsonValue | undefined {
  let value: JsonValue | undefined = record;
  for (const member of path) {
    if (typeof value === "string") value = parsed(value);
    if (Array.isArray(value) && typeof member === "number") value = value[member];
    else if (isObject(value) && Object.hasOwn(value, member)) value = value[member];
    else return undefined;
  }
  return value;
}

function parsed(json: string): JsonValue | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Base64, or a data URL. */
function decode(text: string): Image | NoImage {
  const base64 = text.replace(DATA_URL, "");
  if ((base64.length / BASE64_CHARACTERS) * BASE64_BYTES > IMAGE_BYTES_MAX) return "too large";
  try {
    const bytes = Uint8Array.fromBase64(base64);
    const contentType = typeOf(bytes);
    return contentType === null ? "unsupported" : { contentType, bytes };
  } catch {
    return "unsupported";
  }
}

/** Of the first bytes, in hexadecimal. */
const SIGNATURES: readonly { contentType: string; pattern: RegExp }[] = [
  { contentType: "image/png", pattern: /^89504e470d0a1a0a/ },
  { contentType: "image/jpeg", pattern: /^ffd8ff/ },
  { contentType: "image/gif", pattern: /^47494638(?:37|39)61/ },
  { contentType: "image/webp", pattern: /^52494646.{8}57454250/ },
];
const SIGNATURE_BYTES_MAX = 12;

/** By its first bytes; what the transcript says of it may be wrong. Null for everything else: SVG and HTML run scripts. */
function typeOf(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.subarray(0, SIGNATURE_BYTES_MAX)).toString("hex");
  return SIGNATURES.find(({ pattern }) => pattern.test(start))?.contentType ?? null;
}
