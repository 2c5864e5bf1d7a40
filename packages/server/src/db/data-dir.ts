import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { tryLock } from "@wharf/embedded-postgres";
import { ConfigError } from "../errors.ts";
import { errorCode } from "./database-errors.ts";

export type Lock = { release(): void };

const LOCK_FILE = "in-use.lock";
const PRIVATE_MODE = 0o700;
/** As root, Postgres runs as another user, whose data lies below: that user may pass the folder, and not list it. */
const PASSABLE_MODE = 0o711;

/** Throws ConfigError, also for `lockDataDir`, when this user cannot write there. */
export async function makeDataDir(dataDir: string): Promise<void> {
  try {
    const made = await mkdir(dataDir, { recursive: true, mode: PRIVATE_MODE });
    if (made !== undefined && process.getuid?.() === 0) await chmod(dataDir, PASSABLE_MODE);
  } catch (error) {
    throw unusable("created", dataDir, error);
  }
}

/** Held until it is released or this process ends; null while another process has it. */
export function lockDataDir(dataDir: string): Lock | null {
  try {
    return tryLock(join(dataDir, LOCK_FILE));
  } catch (error) {
    throw unusable("written to", dataDir, error);
  }
}

function unusable(action: string, dataDir: string, error: unknown): ConfigError {
  return new ConfigError(
    `The data directory ${dataDir} cannot be ${action} (${errorCode(error) ?? "unknown"}): ` +
      "set WHARF_DATA_DIR to a directory writable by this user, or DATABASE_URL to your own Postgres.",
    "CONFIG_DATA_DIR_UNUSABLE",
  );
}
