import {
  blueprintCreateSchema,
  blueprintListQuerySchema,
  blueprintPatchSchema,
  createUlid,
} from "@wharf/protocol";
import { Hono } from "hono";
import type { Database } from "../db/database.ts";
import { createBlueprint, findBlueprint, listBlueprints, patchBlueprint } from "../db/reads/blueprints.ts";
import type { AppEnv } from "../http/context.ts";
import { createCursor, type TimeAndId, timeAndIdSchema } from "../http/cursor.ts";
import { readStorableJson, withKnownReferences } from "../http/edit.ts";
import { pageOf } from "../http/list.ts";
import { notFound } from "../http/problem.ts";
import { readPathId, readQuery } from "../http/query.ts";
import { requireScope } from "../http/scopes.ts";
import type { Limits } from "../limits.ts";

export type BlueprintDependencies = { reads: Database; edits: Database; limits: Limits };

/** What remote environments are made from. One without a workspace is a template. */
export function blueprintRoutes({ reads, edits, limits }: BlueprintDependencies) {
  const routes = new Hono<AppEnv>();

  routes.get("/", requireScope("read"), async function getBlueprints(c) {
    const { limit, cursor: sent, ...filters } = readQuery(c, blueprintListQuerySchema);
    const cursor = createCursor("blueprints", filters, timeAndIdSchema);
    const position = cursor.read(sent);
    const rows = await reads.run((sql) => listBlueprints(sql, filters.workspace_id, position, limit + 1));
    const { items, page } = pageOf(rows, limit, cursor, (row): TimeAndId => [row.created_at, row.id]);
    return c.json({ blueprints: items, ...page });
  });

  routes.post("/", requireScope("admin"), async function postBlueprint(c) {
    const body = await readStorableJson(c, blueprintCreateSchema, limits);
    const id = createUlid();
    const blueprint = await withKnownReferences(() => edits.run((sql) => createBlueprint(sql, id, body)));
    return c.json({ blueprint }, 201);
  });

  routes.get("/:id", requireScope("read"), async function getBlueprint(c) {
    const id = readPathId(c, "id", "blueprint");
    const blueprint = await reads.run((sql) => findBlueprint(sql, id));
    if (blueprint === null) throw notFound("blueprint");
    return c.json({ blueprint });
  });

  routes.patch("/:id", requireScope("admin"), async function patchOne(c) {
    const id = readPathId(c, "id", "blueprint");
    const patch = await readStorableJson(c, blueprintPatchSchema, limits);
    const blueprint = await edits.run((sql) => patchBlueprint(sql, id, patch));
    if (blueprint === null) throw notFound("blueprint");
    return c.json({ blueprint });
  });

  return routes;
}
