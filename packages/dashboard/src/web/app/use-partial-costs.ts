import { hub } from "./hub.ts";
import { useQuery } from "./use-query.ts";

/** The ids of those repositories or devices, of one repository or of all, that have responses without a price; none until they are read. */
export function usePartialCosts(
  group: "workspace" | "device",
  of: { workspace_id?: string } = {},
): ReadonlySet<string | null> {
  const { data } = useQuery(`partial costs ${group} ${of.workspace_id ?? ""}`, async () => {
    const { rows } = await hub.usage({ group, ...of });
    return new Set(rows.filter(({ cost_is_partial }) => cost_is_partial).map(({ key }) => key));
  });
  return data ?? NONE;
}

const NONE: ReadonlySet<string | null> = new Set();
