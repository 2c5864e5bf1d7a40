import type { GitActivity } from "@wharf/protocol";
import type { ComponentChildren, JSX } from "preact";
import { countText } from "../format/numbers.ts";
import { clockText, instantText } from "../format/times.ts";

const SHA_CHARACTERS = 7;

/** A commit, push, checkout or merge in one line. */
export function GitLine({ git, children }: { git: GitActivity; children?: ComponentChildren }): JSX.Element {
  const { type, commit_sha, message, branch, insertions, deletions, timestamp } = git;
  return (
    <p class="git-line">
      <span class="git-type">{type}</span>
      {commit_sha !== null && <code title={commit_sha}>{commit_sha.slice(0, SHA_CHARACTERS)}</code>}
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
