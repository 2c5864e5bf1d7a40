import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Database } from "../db/database.ts";
import { errorCode } from "../db/database-errors.ts";
import { insertFirstAdminKey } from "../db/edits/first-admin-key.ts";
import { ConfigError } from "../errors.ts";
import { createKey, isSendableKey } from "./api-key.ts";

const FILE_NAME = "admin-key";

/**
 * Where the first admin key comes from: the environment, a file next to the embedded database (mode 0600, so that a first run
 * needs nothing typed), or the table of keys.
 */
export type AdminKey =
  | { source: "environment"; key: string }
  | { source: "file"; key: string; file: string }
  | { source: "table" };

/** `keepsFile`: the database is our own in `dataDir`, so that a file there lives as long as the data. Throws ConfigError. */
export async function loadAdminKey(config: Config, dataDir: string, keepsFile: boolean): Promise<AdminKey> {
  if (config.adminKey !== undefined) return { source: "environment", key: config.adminKey };
  if (!keepsFile) return { source: "table" };
  const file = join(dataDir, FILE_NAME);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return { source: "file", key: (await readKey(file)) ?? (await makeKey(file)), file };
}

/**
 * Makes an admin key when none lives in the table, and shows it through `show`: this once, for only its hash is kept.
 * Of processes that start at the same time one makes it: true in that one.
 */
export async function ensureAdminKey(database: Database, show: (text: string) => void): Promise<boolean> {
  const secret = createKey("admin");
  const isNew = await database.run((sql) => insertFirstAdminKey(sql, secret));
  if (isNew) show(firstKeyText(secret.key));
  return isNew;
}

function firstKeyText(key: string): string {
  return (
    `Wharf made its first admin key. It is shown this once, and only its hash is kept:\n\n  ${key}\n\n` +
    "Lost it? Start once with WHARF_ADMIN_KEY set, and make another with POST /api/keys.\n"
  );
}

async function readKey(file: string): Promise<string | null> {
  const key = await readText(file);
  if (key === null || key === "" || isSendableKey(key)) return key || null;
  throw new ConfigError(
    `The admin key in ${file} has a character that a header cannot carry: use ASCII letters, digits and punctuation, or delete the file.`,
    "CONFIG_ADMIN_KEY_UNREADABLE",
  );
}

async function readText(file: string): Promise<string | null> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw new ConfigError(
      `The admin key in ${file} cannot be read (${errorCode(error)}): set WHARF_ADMIN_KEY.`,
      "CONFIG_ADMIN_KEY_UNREADABLE",
    );
  }
}

async function makeKey(file: string): Promise<string> {
  const { key } = createKey("admin");
  await writeFile(file, `${key}\n`, { mode: 0o600 });
  return key;
}
