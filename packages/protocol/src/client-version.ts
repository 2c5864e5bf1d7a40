import { z } from "zod";

/** GET /client/version: the client that a server offers. */
export const clientVersionSchema = z.object({
  version: z.string(),
  /** Of /client/wharf.js, in hexadecimal. */
  sha256: z.string(),
  bytes: z.number().int(),
});
export type ClientVersion = z.infer<typeof clientVersionSchema>;
