import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gitText, type RunGit } from "../git/run-git.ts";
import type { DataPaths } from "../spool/data-paths.ts";
import { readIfThere, statIfThere, writeDurably } from "../spool/files.ts";
import type { SettingsChange } from "./change-settings.ts";
import { globalHookTexts } from "./git-hook-text.ts";
import { globalHooksIn } from "./git-hooks.ts";

const KEY = "core.hooksPath";
const PROGRAM_MODE = 0o755;

export type GlobalGit = {
  /** The configuration of this user. */
  file: string;
  /** Where git looks for hooks of all repositories; null: in each repository. */
  hooks_path: string | null;
};

export async function readGlobalGit(run: RunGit, home: string, configHome: string): Promise<GlobalGit> {
  const [own, shared] = [join(home, ".gitconfig"), join(configHome, "git/config")];
  // As git chooses where it writes.
  const isShared = (await statIfThere(own)) === null && (await statIfThere(shared)) !== null;
  const read = (scope: string) => gitText(run, home, ["config", scope, "--path", "--get", KEY]);
  const hooks_path = (await read("--global")) ?? (await read("--system"));
  return { file: isShared ? shared : own, hooks_path: hooks_path || null };
}

/** What git hooks for all repositories change in the configuration. Throws when git cannot read it. */
export async function planGlobalInstall(
  run: RunGit,
  { file }: GlobalGit,
  paths: DataPaths,
): Promise<SettingsChange> {
  const before = (await readIfThere(file))?.toString("utf8") ?? null;
  const directory = globalHooksIn(paths.hooks);
  const after = await edited(run, before ?? "", [KEY, directory]);
  return { agent: "git", file, before, after, problem: null };
}

/** Without our hooks. The text is the same where they are not in it. */
export async function withoutGlobalHooks(run: RunGit, text: string, paths: DataPaths): Promise<string> {
  const pattern = `^${globalHooksIn(paths.hooks).replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
  return edited(run, text, ["--unset", KEY, pattern]);
}

/** git itself writes the change, into a copy. */
async function edited(run: RunGit, text: string, words: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-git-"));
  try {
    const copy = join(folder, "config");
    await writeFile(copy, text, { mode: 0o600 });
    await run(folder, ["config", "--file", copy, ...words]);
    return await readFile(copy, "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function writeGlobalHooks(paths: DataPaths, script: string): Promise<void> {
  const directory = globalHooksIn(paths.hooks);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const [name, text] of globalHookTexts(script))
    await writeDurably(join(directory, name), text, PROGRAM_MODE);
}
