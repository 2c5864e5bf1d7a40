import { z } from "zod";

/** How every list ends: an opaque cursor for the next page, null at the end. */
export const pageSchema = z.object({ next_cursor: z.string().nullable(), has_more: z.boolean() });
export type Page = z.infer<typeof pageSchema>;
