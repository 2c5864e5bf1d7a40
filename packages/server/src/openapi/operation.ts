import { pageSchema } from "@wharf/protocol";
import { z } from "zod";

/** A request that is sent as it stands; the tests replay it against a database with the rows that it names. */
export type Example = {
  path?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  status: number;
};

/** The schema of an answer's JSON, another type of content, or null for an answer without a body. */
export type Answer = z.ZodType | { contentType: string } | null;

/** What the API's document says of one route, beside what its path and its declared scopes say already. */
export type Operation = {
  tag: string;
  summary: string;
  description?: string;
  query?: z.ZodObject;
  body?: { schema: z.ZodType; optional?: boolean; contentTypes?: readonly string[] };
  answers: Readonly<Record<number, Answer>>;
  /** Refusals that are this route's own: what every route with a key, a body or a path may answer is added by itself. */
  refusals?: Readonly<Record<number, string>>;
  example: Example;
};

/** By method and path, as they are declared: `GET /api/sessions/:id`. */
export type Operations = Readonly<Record<string, Operation>>;

/** One page of a list under `name`. */
export function pageOf(name: string, item: z.ZodType): z.ZodType {
  return pageSchema.extend({ [name]: z.array(item) });
}

/** One thing under `name`. */
export function oneOf(name: string, item: z.ZodType): z.ZodType {
  return z.object({ [name]: item });
}
