import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "./config.ts";
import { errorCode } from "./db/database-errors.ts";
import { ConfigError } from "./errors.ts";

const KEY_BYTES = 32;
const FILE_NAME = "admin-key";

export type AdminKey = {
  key: string /** Where it is kept, when it is not from the environment. */;
  file: string | null;
};

/** WHARF_ADMIN_KEY, else one that is made on the first start and kept (mode 0600) in the data folder. */
export async function loadAdminKey(config: Config, dataDir: string): Promise<AdminKey> {
  if (config.adminKey !== undefined) return { key: config.adminKey, file: null };
  if (config.isProduction) {
    throw new ConfigError(
      "WHARF_ADMIN_KEY environment variable is required: set it to at least 32 random characters, for example from `openssl rand -hex 32`.",
      "CONFIG_ADMIN_KEY_MISSING",
    );
  }
  const file = join(dataDir, FILE_NAME);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return { key: (await readKey(file)) ?? (await makeKey(file)), file };
}

async function readKey(file: string): Promise<string | null> {
  try {
    return (await readFile(file, "utf8")).trim() || null;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw new ConfigError(
      `The admin key in ${file} cannot be read (${errorCode(error)}): set WHARF_ADMIN_KEY.`,
      "CONFIG_ADMIN_KEY_UNREADABLE",
    );
  }
}

async function makeKey(file: string): Promise<string> {
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES))).toString("base64url");
  const key = `wharf_admin_${random}`;
  await writeFile(file, `${key}\n`, { mode: 0o600 });
  return key;
}
