import { z } from "zod";

export const PROBLEM_CONTENT_TYPE = "application/problem+json";

/** An error response: RFC 9457, plus a stable `code`, the request's id, and `error` for older clients. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  code: z.string(),
  request_id: z.string(),
  error: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
});

export type Problem = z.infer<typeof problemSchema>;
