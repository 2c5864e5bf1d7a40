import { withoutCredentials } from "@wharf/protocol/credentials";
import { fieldOf, type HookFile } from "../spool/read-hook-file.ts";
import { cutText } from "../spool/texts.ts";
import { readCommit } from "./read-commit.ts";
import { gitText, type RunGit } from "./run-git.ts";

export type EventBody = { type: string; data: Record<string, unknown> };

const NO_HASH = /^0+$/;
const HASH = /^[0-9a-f]{40,64}$/;
const LISTED_COMMITS_MAX = 250;
/** Each is an event; a batch of the hub takes 1,000. */
const PUSHED_REFS_MAX = 100;
const REFLOG_ENTRIES = "50";
const CHECKOUT = /^checkout: moving from (\S+) to (\S+)$/;
const MERGED = /^Merge (?:remote-tracking )?(?:branch|commit|tag) '([^']+)'/;
const PULLED = /^(?:pull|merge)\b ?([^:]*):/;

/** The events of a git hook; none for what is no activity, such as the checkout of single files. */
export async function convertGitHook(hook: HookFile, run: RunGit): Promise<EventBody[]> {
  const cwd = fieldOf(hook, "pwd");
  if (cwd === null) return [];
  switch (fieldOf(hook, "hook")) {
    case "post-commit":
      return commitEvents(hook, run, cwd);
    case "post-checkout":
      return checkoutEvents(hook, run, cwd);
    case "post-merge":
      return mergeEvents(hook, run, cwd);
    case "pre-push":
      return pushEvents(hook, run, cwd);
    case "post-rewrite":
      return rewriteEvents(hook);
    default:
      return [];
  }
}

/** Where the hook could not read it, such as of a branch that is another name of one, HEAD is read now. */
async function headOf(hook: HookFile, run: RunGit, cwd: string): Promise<{ sha: string; branch: string }> {
  const read = fieldOf(hook, "sha") ?? "";
  const sha = HASH.test(read) ? read : ((await gitText(run, cwd, ["rev-parse", "HEAD"])) ?? "");
  const ref = /^ref: refs\/heads\/(.+)$/.exec(fieldOf(hook, "head") ?? "")?.[1];
  if (ref !== undefined && ref !== ".invalid") return { sha, branch: ref };
  const isDetached = HASH.test(fieldOf(hook, "head") ?? "");
  const branch = isDetached ? null : await gitText(run, cwd, ["symbolic-ref", "--short", "-q", "HEAD"]);
  return { sha, branch: branch ?? "HEAD" };
}

async function commitEvents(hook: HookFile, run: RunGit, cwd: string): Promise<EventBody[]> {
  const { sha, branch } = await headOf(hook, run, cwd);
  const commit = await readCommit(run, cwd, sha);
  if (commit === null) return [];
  const { parents, message: whole, ...facts } = commit;
  const message = cutText(whole);
  const committed = { type: "git.commit", data: { ...facts, message, branch, cwd } };
  if (parents.length < 2) return [committed];
  // git runs post-merge only for a merge without conflicts; one with conflicts ends with `git commit`.
  return [
    committed,
    merged({ hash: facts.hash, files: facts.files_changed, message, branch, had_conflicts: true }),
  ];
}

async function mergeEvents(hook: HookFile, run: RunGit, cwd: string): Promise<EventBody[]> {
  const isSquash = fieldOf(hook, "first") === "1";
  if (isSquash) return [];
  const { sha, branch } = await headOf(hook, run, cwd);
  const commit = await readCommit(run, cwd, sha);
  if (commit === null) return [];
  const note = (await gitText(run, cwd, ["log", "-1", "-g", "--format=%gs", "HEAD", "--"])) ?? "";
  const message = cutText(commit.message);
  return [merged({ hash: sha, files: commit.files_changed, message, branch, had_conflicts: false, note })];
}

type Merge = {
  hash: string;
  files: number;
  message: string;
  branch: string;
  had_conflicts: boolean;
  note?: string;
};

function merged({ hash, files, message, branch, had_conflicts, note = "" }: Merge): EventBody {
  const merged_branch = MERGED.exec(message)?.[1] ?? PULLED.exec(note)?.[1]?.trim() ?? "";
  const data = {
    merge_commit: hash,
    message,
    merged_branch,
    into_branch: branch,
    files_changed: files,
    had_conflicts,
  };
  return { type: "git.merge", data };
}

async function checkoutEvents(hook: HookFile, run: RunGit, cwd: string): Promise<EventBody[]> {
  const [from_ref, to_ref] = [fieldOf(hook, "first") ?? "", fieldOf(hook, "second") ?? ""];
  const isOfBranch = fieldOf(hook, "third") === "1";
  if (!isOfBranch) return [];
  const { branch } = await headOf(hook, run, cwd);
  const reflog = await gitText(run, cwd, [
    "log",
    "-g",
    "-n",
    REFLOG_ENTRIES,
    "--format=%H %gs",
    "HEAD",
    "--",
  ]);
  const moved = reflog?.split("\n").flatMap((line) => {
    const [, from, to] = CHECKOUT.exec(line.slice(line.indexOf(" ") + 1)) ?? [];
    return line.startsWith(to_ref) && from !== undefined && to !== undefined ? [{ from, to }] : [];
  });
  const found = moved?.find(({ to }) => to === branch) ?? moved?.[0];
  const from_branch = found === undefined || HASH.test(found.from) ? null : found.from;
  return [
    {
      type: "git.checkout",
      data: { from_ref, to_ref, from_branch, to_branch: branch === "HEAD" ? null : branch },
    },
  ];
}

async function pushEvents(hook: HookFile, run: RunGit, cwd: string): Promise<EventBody[]> {
  const remote = withoutCredentials(fieldOf(hook, "first") ?? "");
  const pushed = linesOf(hook).filter(([, sha = ""]) => HASH.test(sha) && !NO_HASH.test(sha));
  const events: EventBody[] = [];
  for (const [, sha = "", ref = "", held = ""] of pushed.slice(0, PUSHED_REFS_MAX)) {
    const branch = ref.replace(/^refs\/(?:heads|tags)\//, "");
    // A branch that is new there: what no other branch of that remote has.
    const others = ["--not", `--exclude=${remote}/${branch}`, `--remotes=${remote}`];
    const range = NO_HASH.test(held) ? [sha, ...others] : [sha, `^${held}`];
    const listed = await gitText(run, cwd, ["rev-list", ...range, "--"]);
    const commits = (listed ?? "").split("\n").filter((line) => line !== "");
    const data = {
      branch,
      remote,
      commit_count: commits.length,
      commits: commits.slice(0, LISTED_COMMITS_MAX),
    };
    events.push({ type: "git.push", data });
  }
  return events;
}

function rewriteEvents(hook: HookFile): EventBody[] {
  const kind = fieldOf(hook, "first") ?? "";
  const pairs = linesOf(hook).flatMap(([before, after]) =>
    before !== undefined && after !== undefined ? [{ old: before, new: after }] : [],
  );
  return pairs.length === 0 ? [] : [{ type: "git.rewrite", data: { kind, pairs } }];
}

/** The words of each line that git wrote to the hook. */
function linesOf({ input }: HookFile): string[][] {
  const lines = input.toString("utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => line.split(" "));
}
