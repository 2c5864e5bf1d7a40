import { fileURLToPath } from "node:url";
import { ConfigError } from "../errors.ts";

export type BlobLocation =
  | { kind: "postgres" }
  | { kind: "directory"; path: string }
  /** `prefix` is empty or ends with a slash. */
  | { kind: "s3"; bucket: string; prefix: string; access: S3Access };

/** By the names that programs for S3 use; undefined: not set. */
export type S3Access = {
  accessKeyId?: string | undefined;
  secretAccessKey?: string | undefined;
  sessionToken?: string | undefined;
  region?: string | undefined;
  /** Of a store other than Amazon's. */
  endpoint?: string | undefined;
};

/** No credentials, port or parameters: these have settings of their own. */
const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(\/[\w!.*'()/-]*)?$/i;
const SCHEME = /^([a-z][a-z0-9+.-]*):/i;

/**
 * Where blobs are kept, from BLOB_URL: unset is Postgres, `file:///path` or a path is a folder, `s3://bucket/prefix` a bucket.
 * Throws ConfigError CONFIG_BLOB_URL_UNSUPPORTED for any other form. The message holds its scheme alone: a URL may hold secrets.
 */
export function parseBlobUrl(url: string | undefined, access: S3Access = {}): BlobLocation {
  if (url === undefined) return { kind: "postgres" };
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: "directory", path: url };
  if (scheme === "s3") return parseS3(url, access);
  if (scheme !== "file") throw unsupported(`${scheme}: is not supported`);
  try {
    return { kind: "directory", path: fileURLToPath(url) };
  } catch {
    throw unsupported("this file: URL is not a path of this machine");
  }
}

function parseS3(url: string, access: S3Access): BlobLocation {
  const [, bucket, path = ""] = S3_URL.exec(url) ?? [];
  if (bucket === undefined) throw unsupported("this s3: URL is not like s3://bucket/prefix");
  if (access.accessKeyId === undefined || access.secretAccessKey === undefined)
    throw unsupported("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
  const prefix = path.replaceAll(/^\/+|\/+$/g, "");
  return { kind: "s3", bucket, prefix: prefix === "" ? "" : `${prefix}/`, access };
}

function unsupported(reason: string): ConfigError {
  const message = `BLOB_URL cannot be used, ${reason}: leave it unset to keep blobs in Postgres, or give a folder such as file:///var/lib/wharf/blobs, or a bucket such as s3://bucket/wharf.`;
  return new ConfigError(message, "CONFIG_BLOB_URL_UNSUPPORTED");
}
