import { gitText, type RunGit } from "./run-git.ts";

export type Commit = {
  hash: string;
  parents: string[];
  author_name: string;
  author_email: string;
  message: string;
  files_changed: number;
  insertions: number;
  deletions: number;
  file_list: { path: string; status: string }[];
};

/** More are counted, not listed. */
const LISTED_FILES_MAX = 2_000;
const LISTED_CHARACTERS_MAX = 128 * 1024;
const FORMAT = "%H%x00%P%x00%an%x00%ae%x00%B";
const STATUSES: Readonly<Record<string, string>> = {
  A: "added",
  M: "modified",
  D: "deleted",
  R: "renamed",
  C: "copied",
  T: "modified",
};

/** A commit, compared with its first parent; null when the repository does not have it. */
export async function readCommit(run: RunGit, cwd: string, sha: string): Promise<Commit | null> {
  const shown = await gitText(run, cwd, [
    "log",
    "-1",
    "--no-show-signature",
    "--encoding=UTF-8",
    `--format=${FORMAT}`,
    sha,
    "--",
  ]);
  if (shown === null) return null;
  const [hash = "", parents = "", author_name = "", author_email = "", message = ""] = shown.split("\0");
  const parentList = parents.split(" ").filter((parent) => parent !== "");
  const [first] = parentList;
  const ends = first === undefined ? ["--root", hash] : [first, hash];
  const compare = (...words: string[]) =>
    gitText(run, cwd, ["diff-tree", "-r", "--no-commit-id", "-z", "--raw", ...words, ...ends]);
  // A partial clone may have no content of the files: their names are known.
  const changes = (await compare("-M", "--numstat")) ?? (await compare());
  return {
    hash,
    parents: parentList,
    author_name,
    author_email,
    message: message.trimEnd(),
    ...readChanges(changes ?? ""),
  };
}

type Changes = Pick<Commit, "files_changed" | "insertions" | "deletions" | "file_list">;

/** Records end with NUL: `:mode mode sha sha S[score]`, a path or two, then `added\tremoved\tpath` or `added\tremoved\t`, two paths. */
function readChanges(output: string): Changes {
  const words = output.split("\0");
  const changes: Changes = { files_changed: 0, insertions: 0, deletions: 0, file_list: [] };
  let characters = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word.startsWith(":")) {
      const letter = word.split(" ").at(-1)?.charAt(0) ?? "";
      at += letter === "R" || letter === "C" ? 2 : 1;
      changes.files_changed += 1;
      const path = words[at] ?? "";
      characters += path.length;
      if (changes.file_list.length < LISTED_FILES_MAX && characters <= LISTED_CHARACTERS_MAX)
        changes.file_list.push({ path, status: STATUSES[letter] ?? "other" });
      continue;
    }
    const [added, removed, path] = word.split("\t");
    if (removed === undefined) continue;
    changes.insertions += Number(added) || 0;
    changes.deletions += Number(removed) || 0;
    if (path === "") at += 2;
  }
  return changes;
}
