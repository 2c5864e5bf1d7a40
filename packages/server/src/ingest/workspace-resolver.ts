import { isUlid } from "@wharf/protocol";
import { LRUCache } from "lru-cache";
import type { Database } from "../db/database.ts";
import { findWorkspaceIds, resolveWorkspaces } from "../db/ingest/workspaces.ts";
import type { Sql } from "../db/postgres.ts";

export type WorkspaceResolver = {
  /** The id of each reference (a canonical id, or a workspace's own id); an id that does not exist is missing from the map. */
  resolve(references: Iterable<string>): Promise<ReadonlyMap<string, string>>;
  /** Forgets everything: a workspace was deleted behind the cache. */
  forget(): void;
};

const CACHED_WORKSPACES_MAX = 10_000;

/** Resolves workspace references through a bounded cache; canonical ids that are new get their workspace. */
export function createWorkspaceResolver(database: Database): WorkspaceResolver {
  const cache = new LRUCache<string, string>({ max: CACHED_WORKSPACES_MAX });

  async function resolve(references: Iterable<string>): Promise<ReadonlyMap<string, string>> {
    const resolved = new Map<string, string>();
    const unknown = new Set<string>();
    for (const reference of references) {
      const id = cache.get(reference);
      if (id === undefined) unknown.add(reference);
      else resolved.set(reference, id);
    }
    if (unknown.size > 0) {
      const found = await database.run((sql) => lookUp(sql, [...unknown]));
      for (const [reference, id] of found) {
        cache.set(reference, id);
        resolved.set(reference, id);
      }
    }
    return resolved;
  }

  return { resolve, forget: () => cache.clear() };
}

async function lookUp(sql: Sql, references: string[]): Promise<Map<string, string>> {
  const ids = references.filter(isUlid);
  const canonicalIds = references.filter((reference) => !isUlid(reference));
  const found =
    canonicalIds.length > 0 ? await resolveWorkspaces(sql, canonicalIds) : new Map<string, string>();
  if (ids.length > 0) for (const id of await findWorkspaceIds(sql, ids)) found.set(id, id);
  return found;
}
