import {
  deviceChangeSchema,
  deviceRowSchema,
  deviceSchema,
  listQuerySchema,
  nextDeletionSchema,
  sessionSchema,
  workspaceDeviceSchema,
  workspaceSchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { removeDevice, renameDevice } from "../db/edits/device-changes.ts";
import {
  findDevice,
  listDevices,
  listNextDeletions,
  listWorkspacesOfDevice,
} from "../db/reads/device-lists.ts";
import { withoutFlags } from "../db/reads/page-bytes.ts";
import { listSessions } from "../db/reads/sessions.ts";
import { actorOf } from "../http/caller.ts";
import { itemResponse, operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, type TimeAndId, timeAndIdSchema } from "../http/pagination.ts";
import { notFound } from "../http/problem.ts";
import { noQuerySchema, readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { UpToDate } from "../ingest/up-to-date.ts";

export type DeviceDependencies = { reads: UpToDate; edits: UpToDate };

const RECENT_SESSIONS = 10;

const tag = "Devices";
const path = { id: "laptop" };
const { id, canonical_id, display_name } = workspaceSchema.shape;

const list = operation({
  scopes: ["read"],
  tag,
  summary: "List devices with the totals of their sessions, their clients' reports and what is kept of them",
  query: listQuerySchema,
  responses: { 200: pageResponse("devices", deviceSchema) },
  example: { status: 200, query: { limit: "10" } },
});

const read = operation({
  scopes: ["read"],
  tag,
  summary: "Get a device with its workspaces and latest sessions",
  responses: {
    200: z.object({
      device: deviceSchema,
      workspaces: z.array(workspaceDeviceSchema.extend({ id, canonical_id, display_name })),
      recent_sessions: z.array(sessionSchema),
      /** Files that its agents delete next, of those that are kept here. */
      next_deletions: z.array(nextDeletionSchema),
    }),
  },
  example: { status: 200, path },
});

const rename = operation({
  scopes: ["admin"],
  tag,
  summary: "Rename a device",
  body: deviceChangeSchema,
  responses: { 200: itemResponse("device", deviceRowSchema) },
  example: { status: 200, path, body: { name: "Ada's laptop" } },
});

const remove = operation({
  scopes: ["admin"],
  tag,
  summary: "Remove a device",
  description: "Its keys are revoked. Its sessions and events remain.",
  query: noQuerySchema,
  responses: { 204: null },
  example: { status: 204, path },
});

/** /api/devices: listed, read, renamed and removed. */
export function deviceRoutes({ reads, edits }: DeviceDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getDevices(c) {
    const { limit, cursor: sent } = c.req.valid("query");
    const cursor = createCursor("devices", {}, timeAndIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listDevices(sql, position, limit + 1));
    const { items, page } = pageOf(rows, limit, cursor, (row): TimeAndId => [row.first_seen_at, row.id]);
    return c.json({ devices: items, ...page });
  });

  routes.get("/:id", read, async function getDevice(c) {
    const id = readPathId(c, "id", "device");
    const [device, workspaces, recent_sessions, next_deletions] = await reads.run(
      (sql) =>
        Promise.all([
          findDevice(sql, id),
          listWorkspacesOfDevice(sql, id),
          listSessions(sql, { device_id: id }, null, RECENT_SESSIONS),
          listNextDeletions(sql, id),
        ]),
      { device_id: id },
    );
    if (device === null) throw notFound("device");
    return c.json({
      ...{ device, workspaces, next_deletions },
      recent_sessions: withoutFlags(recent_sessions),
    });
  });

  routes.patch("/:id", rename, async function patchDevice(c) {
    const { name } = c.req.valid("json");
    const id = readPathId(c, "id", "device");
    const device = await edits.run((sql) => renameDevice(sql, id, name), { device_id: id });
    if (device === null) throw notFound("device");
    return c.json({ device });
  });

  routes.delete("/:id", remove, async function deleteDevice(c) {
    const id = readPathId(c, "id", "device");
    const known = await edits.run((sql) => removeDevice(sql, id, actorOf(c)), { device_id: id });
    c.get("access").forgetKeys();
    if (!known) throw notFound("device");
    return c.body(null, 204);
  });

  return routes;
}
