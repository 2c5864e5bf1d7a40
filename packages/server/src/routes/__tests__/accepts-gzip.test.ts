import { expect, test } from "bun:test";
import { acceptsGzip } from "../metrics.ts";

test.each(["gzip", "deflate, gzip;q=1.0, *;q=0.5", "GZIP", "x-gzip", "*", "br;q=1, gzip ; q=0.1"])(
  "gzip is taken by a client that sends Accept-Encoding: %s",
  (header) => {
    expect(acceptsGzip(header)).toBe(true);
  },
);

test.each([
  undefined,
  "",
  "identity",
  "gzip;q=0",
  "gzip;q=0.000, *",
  "*;q=0",
  "br",
  "gzipped",
  "gzip;q=high",
])("gzip is not sent for Accept-Encoding: %s", (header) => {
  expect(acceptsGzip(header)).toBe(false);
});
