import { mkdir, realpath, rm, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { readIfThere, statIfThere, writeDurably } from "../spool/files.ts";
import { type AgentSettings, formatOf } from "./agent-hooks.ts";
import type { Installed } from "./installed.ts";
import { hasNotify, hasOtherNotify, withNotify, withoutNotify } from "./notify-setting.ts";
import { isOurPlugin, renderPlugin } from "./opencode-plugin.ts";
import { hasAllHooks, SettingsError, withHooks, withoutHooks } from "./plan-settings.ts";

/** A change of a settings file. `after` null: the file is removed. */
export type SettingsChange = {
  agent: string;
  file: string;
  before: string | null;
  after: string | null;
  /** Why the file is left as it is; null otherwise. */
  problem: string | null;
};

const NEW_FILE_MODE = 0o600;

/** What installing hooks would change in a settings file. Null: the agent is not on this machine, or notifies another program. */
export async function planInstall(
  settings: AgentSettings,
  directory: string,
): Promise<SettingsChange | null> {
  const { agent, root, file, hooks } = settings;
  if ((await statIfThere(root)) === null) return null;
  const before = await readText(file);
  const format = formatOf(file);
  if (format === "plugin") return planned({ agent, file, before }, () => withPlugin(before, directory));
  if (format === "json") return planned({ agent, file, before }, () => withHooks(before, hooks, directory));
  if (before === null || hasOtherNotify(before)) return null;
  return planned({ agent, file, before }, () => withNotify(before, directory));
}

/** What removing our hooks would change. Null: there is no file. `withoutGlobal`: of a configuration of git. */
export async function planUninstall(
  agent: string,
  file: string,
  installed: Installed,
  withoutGlobal = async (text: string): Promise<string> => text,
): Promise<SettingsChange | null> {
  const before = await readText(file);
  if (before === null) return null;
  const original = await installed.textBefore(file, before);
  const isOwn = await installed.isOwnFile(file);
  const format = formatOf(file);
  if (format === "git") {
    const after = original === undefined ? await withoutGlobal(before) : original;
    return { agent, file, before, after: isOwn && after?.trim() === "" ? null : after, problem: null };
  }
  return planned({ agent, file, before }, () => {
    if (original !== undefined) return original;
    if (format === "plugin") return isOurPlugin(before) ? null : before;
    if (format === "toml") return withoutNotify(before);
    const after = withoutHooks(before);
    return isOwn && isEmpty(after) ? null : after;
  });
}

/** `text` is settings: JSON of an object. */
function isEmpty(text: string): boolean {
  return Object.keys(JSON.parse(text.replace(/^\uFEFF/, ""))).length === 0;
}

function withPlugin(before: string | null, directory: string): string {
  if (before === null || isOurPlugin(before)) return renderPlugin(directory);
  throw new SettingsError("it was not written by Wharf");
}

function planned(
  change: Pick<SettingsChange, "agent" | "file" | "before">,
  plan: () => string | null,
): SettingsChange {
  try {
    return { ...change, after: plan(), problem: null };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { ...change, after: change.before, problem: error.message };
  }
}

/** Whether all hooks are there; null: there is no file, or it cannot be read as settings. */
export async function areHooksInstalled(
  { file, hooks }: AgentSettings,
  directory: string,
): Promise<boolean | null> {
  const text = await readText(file);
  if (text === null) return null;
  try {
    const format = formatOf(file);
    if (format === "plugin") return text === renderPlugin(directory);
    return format === "toml" ? hasNotify(text, directory) : hasAllHooks(text, hooks, directory);
  } catch (error) {
    if (error instanceof SettingsError) return null;
    throw error;
  }
}

/** Writes an installation. The text before the first one is kept for the removal. */
export async function applyInstall(
  { file, before, after }: SettingsChange,
  installed: Installed,
): Promise<void> {
  if (after === null || after === before) return;
  const first = before === null ? undefined : await installed.textBefore(file, before);
  await mkdir(dirname(file), { recursive: true });
  await installed.noteSettings(file, first === undefined ? before : first, after);
  await replaceText(file, after);
}

export async function applyUninstall(
  { agent, file, before, after, problem }: SettingsChange,
  installed: Installed,
): Promise<void> {
  if (problem !== null) return;
  if (after === null) {
    await rm(file);
    // The directory of plugins, unless there are others.
    if (agent === "opencode") await rmdir(dirname(file)).catch(() => undefined);
  }
  if (after !== null && after !== before) await replaceText(file, after);
  await installed.forgetSettings(file);
}

/** A linked file stays a link, and a file keeps its mode. */
async function replaceText(file: string, text: string): Promise<void> {
  const isThere = (await statIfThere(file)) !== null;
  const target = isThere ? await realpath(file) : file;
  await writeDurably(target, text, isThere ? (await stat(target)).mode & 0o777 : NEW_FILE_MODE);
}

async function readText(file: string): Promise<string | null> {
  return (await readIfThere(file))?.toString("utf8") ?? null;
}
