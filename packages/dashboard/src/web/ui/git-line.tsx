import type { GitActivity, GitMatchGrade } from "@wharf/protocol";
import type { ComponentChildren, JSX } from "preact";
import { href } from "../app/router.ts";
import { countText } from "../format/numbers.ts";
import { clockText, instantText } from "../format/times.ts";
import { Badge, type Tone } from "./parts.tsx";

const SHA_CHARACTERS = 7;
const TONES: Readonly<Record<GitMatchGrade, Tone>> = { exact: "good", evidence: "info", possible: "quiet" };

/** How certain it is that a session made a commit, with the reason as its title. */
export function GradeBadge({ grade, why }: { grade: GitMatchGrade; why: string }): JSX.Element {
  return (
    <Badge tone={TONES[grade]} title={why}>
      {grade}
    </Badge>
  );
}

export function shortSha(sha: string): string {
  return sha.slice(0, SHA_CHARACTERS);
}

/** Commits and merges are listed in their repository; other activity only names one. */
const LISTED: ReadonlySet<string> = new Set(["commit", "merge"]);

/** The short hash of a commit, which leads to the commit in its repository. */
export function CommitHash({
  git: { type, commit_sha, workspace_id },
}: {
  git: Pick<GitActivity, "type" | "commit_sha" | "workspace_id">;
}): JSX.Element | null {
  if (commit_sha === null) return null;
  const code = <code title={commit_sha}>{shortSha(commit_sha)}</code>;
  if (!LISTED.has(type)) return code;
  return (
    <a href={href(`/repositories/${encodeURIComponent(workspace_id)}`, { commit: commit_sha })}>{code}</a>
  );
}

/** A commit, push, checkout or merge in one line. */
export function GitLine({ git, children }: { git: GitActivity; children?: ComponentChildren }): JSX.Element {
  const { type, message, branch, insertions, deletions, timestamp } = git;
  return (
    <p class="git-line">
      <span class="git-type">{type}</span>
      <CommitHash git={git} />
      <span class="cut git-message">{message?.split("\n", 1)[0] ?? branch ?? ""}</span>
      {message !== null && branch !== null && <span class="faint cut git-branch">{branch}</span>}
      {(insertions !== null || deletions !== null) && (
        <span class="git-lines number">
          <span class="added">+{countText(insertions ?? 0)}</span>{" "}
          <span class="removed">−{countText(deletions ?? 0)}</span>
        </span>
      )}
      {children}
      <time class="faint number" dateTime={timestamp} title={instantText(timestamp)}>
        {clockText(timestamp)}
      </time>
    </p>
  );
}
