import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Paths } from "../cli/environment.ts";
import { FIND_RUNTIME, NO_RUNTIME, quoted } from "../served/shell.ts";
import { compileCache, refreshFile, statusLineFile } from "./remove-state.ts";

/** What an installation wrote, so that it can be taken back. In `installed.json` of the data directory. */
export type Installation = {
  /** The path of Bun or Node that the `wharf` command tries first. */
  runtime: string;
  /** Each with the SHA-256 of its content. */
  files: Record<string, string>;
  /** Directories that did not exist before, outermost first. */
  directories: string[];
};

export type ProgramFiles = {
  program: string;
  shim: string;
  /** Names the kind of module that wharf.js is; a package.json in the home directory would otherwise decide. */
  manifest: string;
  record: string;
};

const OWNER_DIRECTORY = 0o700;
const EXECUTABLE = 0o755;
const READABLE = 0o644;
const SHIM_MARK = "# The wharf command";

export function programFiles({ data, bin }: Paths): ProgramFiles {
  return {
    program: join(data, "wharf.js"),
    shim: join(bin, "wharf"),
    manifest: join(data, "package.json"),
    record: join(data, "installed.json"),
  };
}

/**
 * The script in ~/.local/bin: runs wharf.js by the runtime of the installation, or by any other if that is gone. It prints a status line by
 * itself, because agents ask for one after each message, and a runtime takes longer to start. The runtime starts in `/`, as FIND_RUNTIME
 * does, and `enterDirectory` returns.
 */
function shimText(data: string, program: string, runtime: string): string {
  return `#!/bin/sh
${SHIM_MARK} of this user; "wharf uninstall" removes it.
line=${quoted(statusLineFile(data))}
refresh=${quoted(refreshFile(data))}
if [ "$*" = 'status --statusline' ] && [ -r "$line" ]; then
  cat "$line"
  [ -z "$(find "$refresh" -mmin -1 2>/dev/null)" ] || exit 0
  true 2>/dev/null >"$refresh" || exit 0
  "$0" status --json </dev/null >/dev/null 2>&1 &
  exit 0
fi
program=${quoted(program)}
runtime=${quoted(runtime)}
export NODE_COMPILE_CACHE=${quoted(compileCache(data))}
export WHARF_DIRECTORY="$PWD"
cd /
[ -x "$runtime" ] && exec "$runtime" "$program" "$@"
${FIND_RUNTIME}
[ -n "$runtime" ] && exec "$runtime" "$program" "$@"
echo ${quoted(NO_RUNTIME)} >&2
exit 1
`;
}

/** The shim's path belongs to another program. */
export async function isForeignShim(paths: Paths): Promise<boolean> {
  const text = await readIfThere(programFiles(paths).shim);
  return text !== null && !text.includes(SHIM_MARK);
}

export async function readInstallation(paths: Paths): Promise<Installation | null> {
  const text = await readIfThere(programFiles(paths).record);
  return text === null ? null : JSON.parse(text);
}

/** Creates the directories of an installation. Returns those that did not exist before, outermost first. */
export async function makeDirectories({ data, bin, config }: Paths): Promise<string[]> {
  const made: string[] = [];
  for (const directory of [data, config]) made.push(...(await makeDirectory(directory, OWNER_DIRECTORY)));
  made.push(...(await makeDirectory(bin, EXECUTABLE)));
  return made;
}

/** Those that are empty. */
export async function removeDirectories(directories: readonly string[]): Promise<void> {
  for (const directory of [...directories].reverse()) await rmdir(directory).catch(() => undefined);
}

/** Writes the program, the shim and the record; over an earlier installation, too. `made`: by makeDirectories. */
export async function installProgram(
  paths: Paths,
  text: string,
  runtime: string,
  made: readonly string[] = [],
): Promise<Installation> {
  const { program, shim, manifest, record } = programFiles(paths);
  const before = await readInstallation(paths);
  const contents: [file: string, content: string, mode: number][] = [
    [manifest, '{"type":"commonjs"}\n', READABLE],
    [program, text, READABLE],
    [shim, shimText(paths.data, program, runtime), EXECUTABLE],
  ];
  const directories = [...new Set([...(before?.directories ?? []), ...made])];
  const files = Object.fromEntries(contents.map(([file, content]) => [file, sha256(content)]));
  const installation = { runtime, files, directories };
  // First, so that an installation that is killed half-way can be taken back.
  await replaceFile(record, `${JSON.stringify(installation, null, 2)}\n`, READABLE);
  for (const [file, content, mode] of contents) await replaceFile(file, content, mode);
  return installation;
}

/** Removes what the record lists. Files with other contents than were written are kept and returned. */
export async function removeProgram(paths: Paths, { files, directories }: Installation): Promise<string[]> {
  const kept: string[] = [];
  for (const [file, hash] of Object.entries(files)) {
    const text = await readIfThere(file);
    if (text === null) continue;
    if (sha256(text) === hash) await rm(file);
    else kept.push(file);
  }
  await rm(programFiles(paths).record, { force: true });
  await removeDirectories(directories);
  return kept;
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The directories that did not exist before. */
async function makeDirectory(directory: string, mode: number): Promise<string[]> {
  const first = await mkdir(directory, { recursive: true, mode });
  if (first === undefined) return [];
  const made = [directory];
  for (let at = directory; at !== first && at !== dirname(at); at = dirname(at)) made.unshift(dirname(at));
  return made;
}

async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, text, { mode });
  await chmod(draft, mode);
  await rename(draft, file);
}

async function readIfThere(file: string): Promise<string | null> {
  return await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return null;
    throw error;
  });
}
