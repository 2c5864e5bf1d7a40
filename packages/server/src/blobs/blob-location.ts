import { fileURLToPath } from "node:url";
import { ConfigError } from "../errors.ts";

export type BlobLocation = { kind: "postgres" } | { kind: "directory"; path: string };

const SCHEME = /^([a-z][a-z0-9+.-]*):/i;

/**
 * Where blobs are kept, from BLOB_URL: unset is Postgres, `file:///path` or a path is a folder.
 * Throws ConfigError CONFIG_BLOB_URL_UNSUPPORTED for any other form. The message holds its scheme alone: a URL may hold secrets.
 */
export function parseBlobUrl(url: string | undefined): BlobLocation {
  if (url === undefined) return { kind: "postgres" };
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: "directory", path: url };
  if (scheme !== "file") throw unsupported(`${scheme}: is not supported`);
  try {
    return { kind: "directory", path: fileURLToPath(url) };
  } catch {
    throw unsupported("this file: URL is not a path of this machine");
  }
}

function unsupported(reason: string): ConfigError {
  const message = `BLOB_URL cannot be used, ${reason}: leave it unset to keep blobs in Postgres, or give a folder such as file:///var/lib/wharf/blobs.`;
  return new ConfigError(message, "CONFIG_BLOB_URL_UNSUPPORTED");
}
