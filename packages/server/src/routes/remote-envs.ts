import {
  createUlid,
  remoteEnvCreateSchema,
  remoteEnvListQuerySchema,
  remoteEnvPatchSchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { createRemoteEnv, findRemoteEnv, listRemoteEnvs, patchRemoteEnv } from "../db/reads/remote-envs.ts";
import type { AppEnv } from "../http/context.ts";
import { createCursor, type TimeAndId, timeAndIdSchema } from "../http/cursor.ts";
import { readStorableJson, withKnownReferences } from "../http/edit.ts";
import { pageOf } from "../http/list.ts";
import { notFound } from "../http/problem.ts";
import { readPathId, readQuery } from "../http/query.ts";
import { requireScope } from "../http/scopes.ts";
import type { Limits } from "../limits.ts";

export type RemoteEnvDependencies = { reads: Database; edits: Database; limits: Limits };

/** Machines that were provisioned for a workspace. Their events keep them up to date by themselves. */
export function remoteEnvRoutes({ reads, edits, limits }: RemoteEnvDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/", requireScope("read"), async function getRemoteEnvs(c) {
    const { limit, cursor: sent, ...filters } = readQuery(c, remoteEnvListQuerySchema);
    const cursor = createCursor("remote-envs", filters, timeAndIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listRemoteEnvs(sql, filters, position, limit + 1));
    const { items, page } = pageOf(rows, limit, cursor, (row): TimeAndId => [row.provisioned_at, row.id]);
    return c.json({ remote_envs: items, ...page });
  });

  routes.post("/", requireScope("admin"), async function postRemoteEnv(c) {
    const body = await readStorableJson(c, remoteEnvCreateSchema, limits);
    const env = { ...body, id: createUlid() };
    const remote_env = await withKnownReferences(() => edits.run((sql) => createRemoteEnv(sql, env)));
    return c.json({ remote_env }, 201);
  });

  routes.get("/:id", requireScope("read"), async function getRemoteEnv(c) {
    const id = readPathId(c, "id", "remote environment");
    const remote_env = await reads.run((sql) => findRemoteEnv(sql, id));
    if (remote_env === null) throw notFound("remote environment");
    return c.json({ remote_env });
  });

  routes.patch("/:id", requireScope("admin"), async function patchOne(c) {
    const id = readPathId(c, "id", "remote environment");
    const patch = await readStorableJson(c, remoteEnvPatchSchema, limits);
    const remote_env = await withKnownReferences(() => edits.run((sql) => patchRemoteEnv(sql, id, patch)));
    if (remote_env === null) throw notFound("remote environment");
    return c.json({ remote_env });
  });

  return routes;
}
