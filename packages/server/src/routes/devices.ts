import { listQuerySchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { findDevice, listDevices, listWorkspacesOfDevice } from "../db/reads/device-lists.ts";
import { withoutFlags } from "../db/reads/page-bytes.ts";
import { listSessions } from "../db/reads/sessions.ts";
import type { AppEnv } from "../http/context.ts";
import { createCursor, type TimeAndId, timeAndIdSchema } from "../http/cursor.ts";
import { pageOf } from "../http/list.ts";
import { notFound } from "../http/problem.ts";
import { readPathId, readQuery } from "../http/query.ts";
import { requireScope } from "../http/scopes.ts";

const RECENT_SESSIONS = 10;

/** Devices with the totals of their sessions. */
export function deviceRoutes({ reads }: { reads: Database }) {
  const routes = new Hono<AppEnv>();

  routes.get("/", requireScope("read"), async function getDevices(c) {
    const { limit, cursor: sent } = readQuery(c, listQuerySchema);
    const cursor = createCursor("devices", {}, timeAndIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listDevices(sql, position, limit + 1));
    const { items, page } = pageOf(rows, limit, cursor, (row): TimeAndId => [row.first_seen_at, row.id]);
    return c.json({ devices: items, ...page });
  });

  routes.get("/:id", requireScope("read"), async function getDevice(c) {
    const id = readPathId(c, "id", "device");
    const [device, workspaces, recent_sessions] = await reads.run((sql) =>
      Promise.all([
        findDevice(sql, id),
        listWorkspacesOfDevice(sql, id),
        listSessions(sql, { device_id: id }, null, RECENT_SESSIONS),
      ]),
    );
    if (device === null) throw notFound("device");
    return c.json({ device, workspaces, recent_sessions: withoutFlags(recent_sessions) });
  });

  return routes;
}
