import type { MatchedCommit } from "@wharf/protocol";
import type { Command } from "commander";
import { createRunGit, gitText } from "../../git/run-git.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printLine } from "../output/fit-text.ts";
import { titleOf } from "../output/session-table.ts";
import { idOf, plain } from "../output/text.ts";

const SHA = /^[0-9a-f]{7,64}$/i;
const FILE_LINE = /^(.+):(\d+)$/;
const UNCOMMITTED = /^0+$/;

/** `wharf why SHA`, `wharf why FILE:LINE` */
export function why(command: Command, io: Io): void {
  withHubOptions(command)
    .argument("<what>", "a commit, or FILE:LINE of this repository")
    .action(async function explain(what: string, options: HubOptions) {
      const sha = await commitOf(io, what);
      const commits = await (await openHub(io, options)).commits(sha);
      if (options.json) io.json({ sha, commits });
      else printCommits(io, sha, commits);
      if (commits.length === 0) io.outcome.exitCode = EXIT.failed;
    });
}

/** Throws CliError for what git does not know. */
async function commitOf(io: Io, what: string): Promise<string> {
  const git = createRunGit(io.environment);
  const cwd = process.cwd();
  const [, file, line] = FILE_LINE.exec(what) ?? [];
  if (file !== undefined && line !== undefined) {
    const blamed = await gitText(git, cwd, ["blame", "--porcelain", "-L", `${line},${line}`, "--", file]);
    const [sha = ""] = blamed?.split(" ", 1) ?? [];
    if (sha === "")
      throw new CliError(
        `git blame knows no line ${line} of ${file} in this directory.`,
        EXIT.failed,
        "LINE_UNKNOWN",
      );
    if (UNCOMMITTED.test(sha))
      throw new CliError(`Line ${line} of ${file} is not committed yet.`, EXIT.failed, "NOT_COMMITTED");
    return sha;
  }
  const resolved = await gitText(git, cwd, [
    "rev-parse",
    "--verify",
    "--quiet",
    "--end-of-options",
    `${what}^{commit}`,
  ]);
  if (resolved !== null && SHA.test(resolved)) return resolved.toLowerCase();
  if (SHA.test(what)) return what.toLowerCase();
  throw new CliError(
    `"${what}" is no commit. Use a hash of at least 7 digits, or FILE:LINE.`,
    EXIT.usage,
    "COMMIT_INVALID",
  );
}

function printCommits(io: Io, sha: string, commits: readonly MatchedCommit[]): void {
  if (commits.length === 0)
    io.warn(
      `The hub has no commit ${sha.slice(0, 10)}: no git hook reported it, and no call of a session printed it.`,
    );
  for (const { git_activity, sessions } of commits) {
    const subject = plain(git_activity.message?.split("\n", 1)[0] ?? "");
    if (io.isTerminal) printLine(io, io.colors.bold(`${git_activity.commit_sha?.slice(0, 10)} ${subject}`));
    if (sessions.length === 0) io.warn("No session is matched to it.");
    for (const { session, grade, why: reason } of sessions) {
      const fields = [grade, session.id, session.device_name, titleOf(session), reason].map(plain);
      if (!io.isTerminal) {
        io.print([git_activity.commit_sha ?? sha, ...fields].join("\t"));
        continue;
      }
      printLine(io, `  ${fields[0]}  ${fields[3] || fields[1]}`);
      printLine(io, `     ${io.colors.dim(`${idOf(io, session.id)} · ${fields[2]} · ${fields[4]}`)}`);
    }
  }
}
