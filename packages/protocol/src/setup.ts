import { z } from "zod";

export const SETUP_ITEMS = ["device", "event", "hooks", "transcript", "search", "database", "https"] as const;

/** GET /api/setup: what a new hub still needs, in the order in which it is done. */
export const setupSchema = z.object({
  is_done: z.boolean(),
  items: z.array(
    z.object({
      id: z.enum(SETUP_ITEMS),
      /** Of `hooks`: the agent whose hooks it means; null: there is no agent yet. */
      agent: z.string().nullable(),
      title: z.string(),
      /** By what happened, not by what was set. */
      is_done: z.boolean(),
      /** What to do, in one or two sentences; commands are in backquotes. */
      todo: z.string(),
    }),
  ),
});
export type Setup = z.infer<typeof setupSchema>;
