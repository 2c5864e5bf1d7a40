import { execFile } from "node:child_process";
import type { Environment } from "../cli/environment.ts";

const GIT_LIMIT_MS = 10_000;
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;

export type RunGit = (cwd: string, words: readonly string[]) => Promise<Buffer | null>;

/** Its program would run whenever git reads the index. */
const NO_MONITOR = ["-c", "core.fsmonitor=false"];

/**
 * Runs git in a directory, and answers its standard output; null when it fails. Variables of the git command that started us would lead
 * to its repository: they are left out. No program runs that the repository's configuration names: a missing object is not fetched.
 */
export function createRunGit(environment: Environment): RunGit {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith("GIT_"));
  const env = {
    ...Object.fromEntries(kept),
    GIT_ALLOW_PROTOCOL: "",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
  };
  return (cwd, words) =>
    new Promise((resolve) => {
      const options = {
        cwd,
        env,
        encoding: "buffer",
        timeout: GIT_LIMIT_MS,
        maxBuffer: OUTPUT_BYTES_MAX,
      } as const;
      execFile("git", [...NO_MONITOR, ...words], options, (error, stdout) =>
        resolve(error === null ? stdout : null),
      );
    });
}

/** The output as text without its last newline; bytes that are not UTF-8 become U+FFFD. */
export async function gitText(run: RunGit, cwd: string, words: readonly string[]): Promise<string | null> {
  const output = await run(cwd, words);
  return output === null ? null : output.toString("utf8").replace(/\n$/, "");
}
