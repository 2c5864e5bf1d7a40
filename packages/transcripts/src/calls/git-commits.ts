import { commandsOf } from "./shell.ts";

/** A commit that a command made and printed. `sha` may be abbreviated, to 7 digits or more. */
export type PrintedCommit = { branch: string; sha: string };

const MAKING: ReadonlySet<string> = new Set(["commit", "merge", "cherry-pick", "rebase", "am", "revert"]);
/** `[main 1a2b3c4] Subject`, `[main (root-commit) 1a2b3c4] Subject`, `[detached HEAD 1a2b3c4] Subject`. */
const PRINTED = /^\[([^\]\n]{1,255}?)(?: \(root-commit\))? ([0-9a-f]{7,40})\] /gm;
const OPTIONS_WITH_VALUE: ReadonlySet<string> = new Set([
  "-C",
  "-c",
  "--git-dir",
  "--work-tree",
  "--namespace",
]);

/** The commits that a command made by git. A hash that any other command prints, such as `git log` or `cat`, proves nothing. */
export function printedCommits(command: string, output: string): PrintedCommit[] {
  if (committingVerb(command) === null) return [];
  return [...output.matchAll(PRINTED)].map(([, branch = "", sha = ""]) => ({ branch, sha }));
}

/** The first word after `git` by which a command makes commits, such as `commit`; null when it makes none. */
export function committingVerb(command: string): string | null {
  for (const words of commandsOf(command)) {
    const verb = isGit(words) ? verbOf(words) : null;
    if (verb !== null && MAKING.has(verb)) return verb;
  }
  return null;
}

function isGit([program]: string[]): boolean {
  return program === "git" || program?.endsWith("/git") === true;
}

function verbOf(words: string[]): string | null {
  for (let index = 1; index < words.length; index++) {
    const word = words[index] ?? "";
    if (OPTIONS_WITH_VALUE.has(word)) index += 1;
    else if (!word.startsWith("-")) return word;
  }
  return null;
}
