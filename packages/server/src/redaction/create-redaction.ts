import type { Database } from "../db/database.ts";
import { createHubSecret, type HubSecret } from "./hub-secret.ts";
import { createRedactionPool, type RedactionPool } from "./redaction-pool.ts";
import { createRedactionSwitch, type RedactionSwitch } from "./switch.ts";
import { createTextRedaction, type TextRedaction } from "./text-redaction.ts";

/** What replaces secrets before anything is stored: of transcripts in `pool`, of all other texts in `texts`. */
export type Redaction = {
  secret: HubSecret;
  pool: RedactionPool;
  texts: TextRedaction;
  switches: RedactionSwitch;
};

/** `monotonicMs`: milliseconds of a clock that never goes back. */
export function createRedaction(database: Database, monotonicMs?: () => number): Redaction {
  const secret = createHubSecret(database);
  const pool = createRedactionPool({ secret });
  return {
    secret,
    pool,
    texts: createTextRedaction(secret, pool),
    switches: createRedactionSwitch(database, monotonicMs),
  };
}
