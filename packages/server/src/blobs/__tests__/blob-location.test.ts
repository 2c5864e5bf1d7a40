import { describe, expect, test } from "bun:test";
import { ConfigError } from "../../errors.ts";
import { parseBlobUrl } from "../blob-location.ts";

describe("BLOB_URL", () => {
  test("unset means Postgres", () => {
    expect(parseBlobUrl(undefined)).toEqual({ kind: "postgres" });
  });

  const folders = {
    "file:///var/blobs": "/var/blobs",
    "/var/blobs": "/var/blobs",
    "data/blobs": "data/blobs",
  };
  for (const [url, path] of Object.entries(folders)) {
    test(`${url} is a folder`, () => {
      expect(parseBlobUrl(url)).toEqual({ kind: "directory", path });
    });
  }

  test("s3://bucket/prefix is a bucket, with the credentials of the environment", () => {
    const access = { accessKeyId: "id", secretAccessKey: "secret" };
    for (const url of ["s3://data/wharf/blobs", "S3://data/wharf/blobs/"])
      expect(parseBlobUrl(url, access)).toEqual({
        kind: "s3",
        bucket: "data",
        prefix: "wharf/blobs/",
        access,
      });
    expect(parseBlobUrl("s3://data", access)).toMatchObject({ prefix: "" });
  });

  for (const url of [
    "s3://canary-bucket",
    "S3://KEY:canary@host/b",
    "https://canary",
    "file://host/canary",
  ]) {
    test(`${url} is refused with what is supported, and nothing of it but the scheme is shown`, () => {
      const error = thrownBy(() => parseBlobUrl(url));
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ code: "CONFIG_BLOB_URL_UNSUPPORTED" });
      const text = Bun.inspect(error);
      expect(text).toContain("leave it unset to keep blobs in Postgres");
      expect(text).toContain("file:///var/lib/wharf/blobs");
      expect(text).not.toContain("canary");
    });
  }
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}
