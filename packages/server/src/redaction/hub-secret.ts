import type { Database } from "../db/database.ts";
import { ensureHubSetting } from "../db/edits/hub-settings.ts";

const SETTING = "redaction_secret";
const SECRET_BYTES = 32;

/** The key of the hub's redaction markers, hexadecimal. It is made at the first use and stays, or equal secrets would get other markers. */
export type HubSecret = () => Promise<string>;

/** Reads the secret once; a failed read is repeated by the next call. */
export function createHubSecret(database: Database): HubSecret {
  let known: Promise<string> | undefined;

  return function getHubSecret() {
    known ??= readSecret(database).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

async function readSecret(database: Database): Promise<string> {
  const initial = Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("hex");
  return await database.run((sql) => ensureHubSetting(sql, SETTING, initial));
}
