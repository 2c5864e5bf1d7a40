import {
  blueprintCreateSchema,
  blueprintListQuerySchema,
  blueprintPatchSchema,
  blueprintSchema,
  createUlid,
} from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { createBlueprint, findBlueprint, listBlueprints, patchBlueprint } from "../db/reads/blueprints.ts";
import { storable } from "../http/json.ts";
import { itemResponse, operation, pageResponse } from "../http/operation.ts";
import { createCursor, pageOf, type TimeAndId, timeAndIdSchema } from "../http/pagination.ts";
import { notFound, withKnownReferences } from "../http/problem.ts";
import { readPathId } from "../http/query.ts";
import type { AppEnv } from "../http/request-context.ts";
import { withWorkspaceId } from "../http/workspace-reference.ts";

export type BlueprintDependencies = { reads: Database; edits: Database };

const tag = "Remote environments";
const path = { id: "01JP9Z000000000000000000B1" };
const blueprintResponse = itemResponse("blueprint", blueprintSchema);

const list = operation({
  scopes: ["read"],
  tag,
  summary: "List blueprints, newest first",
  query: blueprintListQuerySchema,
  responses: { 200: pageResponse("blueprints", blueprintSchema) },
  example: { status: 200, query: { limit: "10" } },
});

const create = operation({
  scopes: ["admin"],
  tag,
  summary: "Create a blueprint",
  description: "A blueprint without a workspace is a template.",
  body: storable(blueprintCreateSchema),
  responses: { 201: blueprintResponse },
  example: {
    status: 201,
    body: {
      workspace_id: "01JP9Z000000000000000000W1",
      name: "small machine",
      config: { memory_gb: 4 },
    },
  },
});

const read = operation({
  scopes: ["read"],
  tag,
  summary: "Get a blueprint",
  responses: { 200: blueprintResponse },
  example: { status: 200, path },
});

const change = operation({
  scopes: ["admin"],
  tag,
  summary: "Change a blueprint",
  body: storable(blueprintPatchSchema),
  responses: { 200: blueprintResponse },
  example: { status: 200, path, body: { name: "large machine", config: { memory_gb: 64 } } },
});

/** /api/blueprints: configurations from which remote environments are created. */
export function blueprintRoutes({ reads, edits }: BlueprintDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getBlueprints(c) {
    const { limit, cursor: sent, ...filters } = await withWorkspaceId(reads, c.req.valid("query"));
    const cursor = createCursor("blueprints", filters, timeAndIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listBlueprints(sql, filters.workspace_id, position, limit + 1));
    const { items, page } = pageOf(rows, limit, cursor, (row): TimeAndId => [row.created_at, row.id]);
    return c.json({ blueprints: items, ...page });
  });

  routes.post("/", create, async function postBlueprint(c) {
    const body = await withWorkspaceId(edits, c.req.valid("json"));
    const id = createUlid();
    const blueprint = await withKnownReferences(() => edits.run((sql) => createBlueprint(sql, id, body)));
    return c.json({ blueprint }, 201);
  });

  routes.get("/:id", read, async function getBlueprint(c) {
    const id = readPathId(c, "id", "blueprint");
    const blueprint = await reads.run((sql) => findBlueprint(sql, id));
    if (blueprint === null) throw notFound("blueprint");
    return c.json({ blueprint });
  });

  routes.patch("/:id", change, async function patchOne(c) {
    const id = readPathId(c, "id", "blueprint");
    const patch = c.req.valid("json");
    const blueprint = await edits.run((sql) => patchBlueprint(sql, id, patch));
    if (blueprint === null) throw notFound("blueprint");
    return c.json({ blueprint });
  });

  return routes;
}
