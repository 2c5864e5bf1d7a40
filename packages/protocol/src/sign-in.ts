import { z } from "zod";
import { keyScopeSchema } from "./key.ts";

const SECRET_CHARACTERS_MAX = 200;
const secretSchema = z.string().trim().min(1).max(SECRET_CHARACTERS_MAX);

/** POST /api/sign-in: a read key or an admin key, or the token of a sign-in link. */
export const signInSchema = z
  .strictObject({ key: secretSchema.optional(), token: secretSchema.optional() })
  .refine(({ key, token }) => (key === undefined) !== (token === undefined), {
    error: "must have either key or token",
  });

/** GET /api/me: whose request it is. */
export const callerSchema = z.object({
  scope: keyScopeSchema,
  /** Null for the admin key of the environment or of the data folder. */
  key_id: z.string().nullable(),
  /** The device to which an ingest key is bound. */
  device_id: z.string().nullable(),
  /** When the sign-in of this browser ends; null for a request with a key. */
  signed_in_until: z.iso.datetime({ offset: true }).nullable(),
});
