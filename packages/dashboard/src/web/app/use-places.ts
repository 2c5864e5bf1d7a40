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
