import { execFile } from "node:child_process";

const COMMAND_LIMIT_MS = 30_000;

/** What a program prints. Rejects with what it writes to standard error. */
export function runCommand([program = "", ...words]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, words, { timeout: COMMAND_LIMIT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr || error.message));
    });
  });
}
