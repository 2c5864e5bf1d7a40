import { z } from "zod";
import { page } from "./query.ts";

const { cursor } = page(1);

export const exportQuerySchema = z.object({ cursor });

/** Rows of the body, and those of them that were not there before. */
export const importResponseSchema = z.object({ rows: z.number(), stored: z.number() });
