import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isObject, type JsonValue, text } from "@wharf/transcripts";
import { readIfThere, writeDurably } from "../spool/files.ts";

/** What is sent: everything; every line and event with emptied texts; nothing. The strictest is last. */
export const SHARE_LEVELS = ["full", "facts", "nothing"] as const;
export type ShareLevel = (typeof SHARE_LEVELS)[number];

/** Applies where all conditions do; null: no condition. */
export type ShareRule = {
  level: ShareLevel;
  /** A workspace, such as `github.com/acme/site`. */
  repository: string | null;
  /** An absolute path: the directory and all below it. */
  path: string | null;
  agent: string | null;
};

/** The rules cannot be read, so that nothing may be sent. */
class ShareRulesError extends Error {
  override readonly name = "ShareRulesError";
}

export function shareFile(config: string): string {
  return join(config, "share.json");
}

/** None without a file. Throws ShareRulesError for a file that is damaged. */
export async function readShareRules(file: string): Promise<ShareRule[]> {
  const bytes = await readIfThere(file);
  if (bytes === null) return [];
  try {
    const { rules } = JSON.parse(bytes.toString("utf8")) as { rules: JsonValue[] };
    return rules.map(readRule);
  } catch {
    throw new ShareRulesError(`${file} is damaged: nothing is sent. Correct or remove it.`);
  }
}

function readRule(value: JsonValue): ShareRule {
  if (!isObject(value)) throw new Error("not an object");
  const level = SHARE_LEVELS.find((one) => one === value["level"]);
  if (level === undefined) throw new Error("an unknown level");
  return {
    level,
    repository: text(value, "repository"),
    path: text(value, "path"),
    agent: text(value, "agent"),
  };
}

export async function writeShareRules(file: string, rules: readonly ShareRule[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeDurably(file, `${JSON.stringify({ rules }, null, 2)}\n`);
}

export function hasSameConditions(a: Omit<ShareRule, "level">, b: Omit<ShareRule, "level">): boolean {
  return a.repository === b.repository && a.path === b.path && a.agent === b.agent;
}

export function stricter(a: ShareLevel, b: ShareLevel): ShareLevel {
  return SHARE_LEVELS.indexOf(a) >= SHARE_LEVELS.indexOf(b) ? a : b;
}
