import { hub } from "./hub.ts";
import { useQuery } from "./use-query.ts";

/** The names of the models that filters offer; empty until they are read. */
export function useModels(): string[] {
  const { data } = useQuery("models", async () => (await hub.usage({ group: "model" })).rows);
  return data?.flatMap(({ key }) => key ?? []) ?? [];
}
