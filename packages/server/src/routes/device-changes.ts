import { deviceChangeSchema } from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { removeDevice, renameDevice } from "../db/device-changes.ts";
import type { AppEnv } from "../http/context.ts";
import { readJson } from "../http/json.ts";
import { notFound } from "../http/problem.ts";
import { actorOf, requireScope } from "../http/scopes.ts";
import type { Limits } from "../limits.ts";

export type DeviceChangeDependencies = { database: Database; limits: Limits };

/** PATCH and DELETE /api/devices/:id: a device gets another name, or leaves and loses its keys. */
export function deviceChangeRoutes({ database, limits }: DeviceChangeDependencies) {
  const routes = new Hono<AppEnv>();

  routes.patch("/:id", requireScope("admin"), async function patchDevice(c) {
    const { name } = await readJson(c, deviceChangeSchema, limits);
    const device = await database.run((sql) => renameDevice(sql, c.req.param("id"), name));
    if (device === null) throw notFound("device");
    return c.json({ device });
  });

  routes.delete("/:id", requireScope("admin"), async function deleteDevice(c) {
    const known = await database.run((sql) => removeDevice(sql, c.req.param("id"), actorOf(c)));
    c.var.access.forgetKeys();
    if (!known) throw notFound("device");
    return c.body(null, 204);
  });

  return routes;
}
