import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { DataPaths } from "../spool/data-paths.ts";
import { readIfThere, readState, removeFile, writeDurably } from "../spool/files.ts";

/** What the installation changed, so that it can be undone to the byte. */
type Receipts = {
  /** By the path of a settings file: the SHA-256 of what was written; whether there was a file before. */
  settings: Record<string, { written: string; existed: boolean }>;
  /** Directories of repositories with our hooks. */
  repositories: string[];
};

export type Installed = {
  settingsFiles(): Promise<string[]>;
  repositories(): Promise<string[]>;
  /** Keeps `before`, and notes that `after` is about to be written. */
  noteSettings(path: string, before: string | null, after: string): Promise<void>;
  /** The text before the installation, if `current` is what was written. `null`: there was no file; undefined: it changed since. */
  textBefore(path: string, current: string): Promise<string | null | undefined>;
  /** The installation made the file. */
  isOwnFile(path: string): Promise<boolean>;
  forgetSettings(path: string): Promise<void>;
  noteRepository(directory: string, isThere: boolean): Promise<void>;
};

export function openInstalled(paths: Pick<DataPaths, "backups" | "installed">): Installed {
  const backupOf = (path: string) => join(paths.backups, `${sha256(path).slice(0, 16)}.json`);
  const read = async (): Promise<Receipts> => {
    return (await readState<Receipts>(paths.installed)) ?? { settings: {}, repositories: [] };
  };
  const write = (receipts: Receipts) =>
    writeDurably(paths.installed, `${JSON.stringify(receipts, null, 2)}\n`);

  return {
    settingsFiles: async () => Object.keys((await read()).settings),
    repositories: async () => (await read()).repositories,
    async noteSettings(path, before, after) {
      await mkdir(paths.backups, { recursive: true, mode: 0o700 });
      if (before !== null) await writeDurably(backupOf(path), before);
      const receipts = await read();
      receipts.settings[path] = { written: sha256(after), existed: before !== null };
      await write(receipts);
    },
    async textBefore(path, current) {
      const receipt = (await read()).settings[path];
      if (receipt?.written !== sha256(current)) return undefined;
      return receipt.existed ? (await readIfThere(backupOf(path)))?.toString("utf8") : null;
    },
    isOwnFile: async (path) => (await read()).settings[path]?.existed === false,
    async forgetSettings(path) {
      const receipts = await read();
      delete receipts.settings[path];
      await write(receipts);
      await removeFile(backupOf(path));
    },
    async noteRepository(directory, isThere) {
      const receipts = await read();
      const others = receipts.repositories.filter((one) => one !== directory);
      await write({ ...receipts, repositories: isThere ? [...others, directory].sort() : others });
    },
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
