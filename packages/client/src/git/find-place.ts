import { withoutCredentials } from "@wharf/protocol/credentials";
import {
  canonicalWorkspaceId,
  chooseRemote,
  localWorkspaceId,
  UNASSOCIATED_WORKSPACE,
} from "@wharf/protocol/workspace";
import { gitText, type RunGit } from "./run-git.ts";

/** Where a directory belongs. */
export type Place = { workspace_id: string; git_remote: string | null };
export type FindPlace = (cwd: string | null) => Promise<Place>;

const NO_PLACE: Place = { workspace_id: UNASSOCIATED_WORKSPACE, git_remote: null };

const CACHED_MS = 60_000;
const CACHED_PLACES_MAX = 500;
const REMOTE_LINE = /^([^\t]+)\t(.*) \(fetch\)/;

/** A found workspace is kept for a minute. */
export function createFindPlace(run: RunGit, now: () => number = Date.now): FindPlace {
  const cache = new Map<string, { at_ms: number; found: Promise<Place> }>();

  async function readWorkspace(cwd: string): Promise<Place> {
    const remote = chooseRemote(remotesOf((await gitText(run, cwd, ["remote", "-v"])) ?? ""));
    const id = remote === null ? null : canonicalWorkspaceId(remote);
    if (remote !== null && id !== null) return { workspace_id: id, git_remote: withoutCredentials(remote) };
    const roots = await gitText(run, cwd, ["rev-list", "--max-parents=0", "HEAD"]);
    const first = roots?.split("\n").at(-1);
    return { workspace_id: first ? localWorkspaceId(first) : UNASSOCIATED_WORKSPACE, git_remote: null };
  }

  return async function findPlace(cwd) {
    if (cwd === null) return NO_PLACE;
    const at_ms = now();
    let cached = cache.get(cwd);
    if (cached === undefined || Math.abs(at_ms - cached.at_ms) > CACHED_MS) {
      if (cache.size >= CACHED_PLACES_MAX) cache.clear();
      cached = { at_ms, found: readWorkspace(cwd) };
      cache.set(cwd, cached);
    }
    return await cached.found;
  };
}

/** As `git remote -v` lists them, with the rewriting of `insteadOf` done. */
function remotesOf(listed: string): Record<string, string> {
  const remotes = listed.split("\n").flatMap((line) => {
    const [, name, url] = REMOTE_LINE.exec(line) ?? [];
    return name === undefined || url === undefined ? [] : [[name, url] as const];
  });
  return Object.fromEntries(remotes);
}
