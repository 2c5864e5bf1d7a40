import { deviceChangeSchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { removeDevice, renameDevice } from "../db/edits/device-changes.ts";
import type { AppEnv } from "../http/context.ts";
import { readJson } from "../http/json.ts";
import { notFound } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import { actorOf, requireScope } from "../http/scopes.ts";
import type { Limits } from "../limits.ts";

export type DeviceChangeDependencies = { edits: Database; limits: Limits };

/** PATCH and DELETE /api/devices/:id: a device gets another name, or leaves and loses its keys. */
export function deviceChangeRoutes({ edits, limits }: DeviceChangeDependencies) {
  const routes = new Hono<AppEnv>();

  routes.patch("/:id", requireScope("admin"), async function patchDevice(c) {
    const { name } = await readJson(c, deviceChangeSchema, limits);
    const id = readPathId(c, "id", "device");
    const device = await edits.run((sql) => renameDevice(sql, id, name));
    if (device === null) throw notFound("device");
    return c.json({ device });
  });

  routes.delete("/:id", requireScope("admin"), async function deleteDevice(c) {
    const id = readPathId(c, "id", "device");
    const known = await edits.run((sql) => removeDevice(sql, id, actorOf(c)));
    c.get("access").forgetKeys();
    if (!known) throw notFound("device");
    return c.body(null, 204);
  });

  return routes;
}
