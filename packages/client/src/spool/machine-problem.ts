import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const BLOCK_BYTES = 4096;

/** A failure of this machine's files, such as a full disk; not of this program. */
export function isOfMachine(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

export function describeProblem({ code, message, path }: NodeJS.ErrnoException): string {
  const place = path ?? "a file";
  if (code === "ENOSPC" || code === "EDQUOT") return `No space is left to write ${place}. Free some space.`;
  if (code === "EROFS" || code === "EACCES" || code === "EPERM")
    return `${place} cannot be written (${code}). Make its directory writable for this user.`;
  return `A file of this machine cannot be used: ${message}.`;
}

/** Why nothing can be written to the data directory; null: it can be written, or does not exist yet. */
export async function findMachineProblem(data: string): Promise<string | null> {
  const path = join(data, `.probe.${process.pid}`);
  try {
    await writeFile(path, Buffer.alloc(BLOCK_BYTES));
    return null;
  } catch (error) {
    if (!isOfMachine(error)) throw error;
    return error.code === "ENOENT" ? null : describeProblem(Object.assign(error, { path: data }));
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
