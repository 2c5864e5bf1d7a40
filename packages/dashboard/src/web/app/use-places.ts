import type { Device, Workspace } from "@wharf/protocol";
import { hub } from "./hub.ts";
import { useQuery } from "./use-query.ts";

/** More of either than a person chooses from in a list. */
const PLACES_MAX = 500;

export type Places = { devices: readonly Device[]; workspaces: readonly Workspace[] };

/** The devices and repositories that filters offer; null until they are read. */
export function usePlaces(): Places | null {
  return useQuery("places", async (): Promise<Places> => {
    const [{ devices }, { workspaces }] = await Promise.all([
      hub.devices.list({ limit: PLACES_MAX }),
      hub.workspaces.list({ limit: PLACES_MAX }),
    ]);
    return { devices, workspaces };
  }).data;
}

/** By id the name of a repository, or its canonical id where several have that name. */
export function workspaceNames({ workspaces }: Places): Map<string, string> {
  return namesOf(workspaces.map(({ id, display_name, canonical_id }) => [id, display_name, canonical_id]));
}

/** By id the name of a device, or the id itself where several have that name. */
export function deviceNames({ devices }: Places): Map<string, string> {
  return namesOf(devices.map(({ id, name }) => [id, name, id]));
}

function namesOf(
  places: readonly (readonly [id: string, name: string, unique: string])[],
): Map<string, string> {
  const counts = Map.groupBy(places, ([, name]) => name.toLowerCase());
  return new Map(
    places.map(([id, name, unique]) => [id, counts.get(name.toLowerCase())?.length === 1 ? name : unique]),
  );
}
