import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";

export const OUTPUT_NAMES = ["stdout", "stderr"] as const;
export type OutputName = (typeof OUTPUT_NAMES)[number];

/**
 * The files of a command's output, opened before it runs: a file that the command puts in their place, such as a pipe that blocks
 * readers, is never opened.
 */
export type Outputs = Record<OutputName, FileHandle> & { close(): Promise<void> };

/** Creates the files in a run's folder. */
export async function createOutputs(folder: string): Promise<Outputs> {
  const create = (name: OutputName) => open(join(folder, name), "wx+", 0o600);
  const [stdout, stderr] = [await create("stdout"), await create("stderr")];
  return {
    stdout,
    stderr,
    close: async () => {
      await Promise.all([stdout.close(), stderr.close()]);
    },
  };
}
