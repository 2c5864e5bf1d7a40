import { statfs } from "node:fs/promises";
import { type Storage, storageSchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { BlobLocation } from "../blobs/blob-location.ts";
import type { Database } from "../db/database.ts";
import { KEPT_HOURS } from "../db/edits/retention.ts";
import {
  listNamedRetentions,
  listStorageSamples,
  readBlobBytes,
  readDatabaseBytes,
  readGrowthBase,
  readTableSizes,
  readTranscriptBytes,
} from "../db/reads/storage.ts";
import { operation } from "../http/operation.ts";
import type { AppEnv } from "../http/request-context.ts";

/** Where the hub keeps its data. */
export type HubPlace = {
  blobKind: BlobLocation["kind"];
  /** Of the embedded database; null: the database is elsewhere. */
  databaseFolder: string | null;
};

export type StorageDependencies = { reads: Database; hub: HubPlace };

const read = operation({
  scopes: ["read"],
  tag: "Server",
  summary:
    "Get the size of the database by table, its growth, free disk space, and what is deleted after a time",
  description:
    "Growth is the difference to the oldest daily sample of 30 days. Free space is known for the embedded database only.",
  responses: { 200: storageSchema },
  example: { status: 200 },
});

/** GET /api/storage. */
export function storageRoutes({ reads, hub }: StorageDependencies): Hono<AppEnv> {
  const { blobKind, databaseFolder } = hub;
  const routes = new Hono<AppEnv>();

  routes.get("/", read, async function getStorage(c) {
    const [bytes, tables, base, samples, transcripts, workspaces, blobs] = await reads.run((sql) =>
      Promise.all([
        readDatabaseBytes(sql),
        readTableSizes(sql),
        readGrowthBase(sql),
        listStorageSamples(sql),
        readTranscriptBytes(sql),
        listNamedRetentions(sql),
        blobKind === "postgres" ? readBlobBytes(sql) : { count: null, bytes: null },
      ]),
    );
    const disk = await diskOf(databaseFolder);
    const perDay = (now: number, before: number | undefined) =>
      base === null ? null : Math.round((now - (before ?? 0)) / base.days);
    const growth = perDay(bytes, base?.bytes);
    const storage: Storage = {
      database: { bytes, bytes_per_day: growth },
      disk: disk && { ...disk, days_to_full: daysToFull(disk.free_bytes, growth) },
      tables: tables.map((table) => ({
        ...table,
        bytes_per_day: perDay(table.bytes, base?.tables[table.name]),
      })),
      samples,
      blobs: { kind: blobKind, ...blobs },
      transcripts,
      retention: { workspaces, table_hours: KEPT_HOURS },
    };
    return c.json(storage);
  });

  return routes;
}

function daysToFull(free_bytes: number, growth: number | null): number | null {
  return growth === null || growth <= 0 ? null : Math.floor(free_bytes / growth);
}

async function diskOf(folder: string | null): Promise<{ free_bytes: number; total_bytes: number } | null> {
  const found = folder === null ? null : await statfs(folder).catch(() => null);
  return found && { free_bytes: found.bavail * found.bsize, total_bytes: found.blocks * found.bsize };
}
