import {
  createUlid,
  remoteEnvCreateSchema,
  remoteEnvListQuerySchema,
  remoteEnvPatchSchema,
  remoteEnvSchema,
} from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { createRemoteEnv, findRemoteEnv, listRemoteEnvs, patchRemoteEnv } from "../db/reads/remote-envs.ts";
import { storable } from "../http/json.ts";
import { itemResponse, operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, type TimeAndId, timeAndIdSchema } from "../http/pagination.ts";
import { notFound, withKnownReferences } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";

export type RemoteEnvDependencies = { reads: Database; edits: Database };

const tag = "Remote environments";
const path = { id: "01JP9Z000000000000000000E1" };
const remoteEnvResponse = itemResponse("remote_env", remoteEnvSchema);

const list = operation({
  scopes: ["read"],
  tag,
  summary: "List remote environments, newest first",
  query: remoteEnvListQuerySchema,
  responses: { 200: pageResponse("remote_envs", remoteEnvSchema) },
  example: { status: 200, query: { status: "provisioning,ready", limit: "10" } },
});

const create = operation({
  scopes: ["admin"],
  tag,
  summary: "Create a remote environment",
  body: storable(remoteEnvCreateSchema),
  responses: { 201: remoteEnvResponse },
  example: {
    status: 201,
    body: {
      workspace_id: "01JP9Z000000000000000000W1",
      instance_type: "small",
      region: "eu-central",
      blueprint: {},
      ttl_minutes: 60,
    },
  },
});

const read = operation({
  scopes: ["read"],
  tag,
  summary: "Get a remote environment",
  responses: { 200: remoteEnvResponse },
  example: { status: 200, path },
});

const change = operation({
  scopes: ["admin"],
  tag,
  summary: "Change a remote environment",
  body: storable(remoteEnvPatchSchema),
  responses: { 200: remoteEnvResponse },
  example: { status: 200, path, body: { status: "ready", public_ip: "203.0.113.7" } },
});

/** /api/remote-envs: machines provisioned for a workspace. Their events update them as well. */
export function remoteEnvRoutes({ reads, edits }: RemoteEnvDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getRemoteEnvs(c) {
    const { limit, cursor: sent, ...filters } = await withWorkspaceId(reads, c.req.valid("query"));
    const cursor = createCursor("remote-envs", filters, timeAndIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listRemoteEnvs(sql, filters, position, limit + 1));
    const { items, page } = pageOf(rows, limit, cursor, (row): TimeAndId => [row.provisioned_at, row.id]);
    return c.json({ remote_envs: items, ...page });
  });

  routes.post("/", create, async function postRemoteEnv(c) {
    const body = await withWorkspaceId(edits, c.req.valid("json"));
    const env = { ...body, id: createUlid() };
    const remote_env = await withKnownReferences(() => edits.run((sql) => createRemoteEnv(sql, env)));
    return c.json({ remote_env }, 201);
  });

  routes.get("/:id", read, async function getRemoteEnv(c) {
    const id = readPathId(c, "id", "remote environment");
    const remote_env = await reads.run((sql) => findRemoteEnv(sql, id));
    if (remote_env === null) throw notFound("remote environment");
    return c.json({ remote_env });
  });

  routes.patch("/:id", change, async function patchOne(c) {
    const id = readPathId(c, "id", "remote environment");
    const patch = c.req.valid("json");
    const remote_env = await withKnownReferences(() => edits.run((sql) => patchRemoteEnv(sql, id, patch)));
    if (remote_env === null) throw notFound("remote environment");
    return c.json({ remote_env });
  });

  return routes;
}
