import type { GitActivity, Session, TimelineItem } from "@wharf/protocol";
import type { Listed } from "../db/reads/page-bytes.ts";
import type { UnmatchedGit } from "../db/reads/timeline.ts";

/** Rows of git activity in one item; more of the same begin another one. */
export const GIT_ROWS_PER_ITEM_MAX = 100;

/** Rows of git activity that one page takes; a page of nothing but one busy device's commits ends there. */
export const GIT_ROWS_PER_PAGE_MAX = 200;

/** The last row of a page. Of one instant, sessions come before git activity. */
export type TimelinePosition = { kind: "session" | "git"; time: string; id: string };

export type TimelinePage = { items: TimelineItem[]; last: TimelinePosition | null; hasMore: boolean };

type GitItem = Extract<TimelineItem, { type: "git_activity" }>;

/**
 * Merges sessions and git activity outside any session, both newest first, into at most `limit` items; it ends where either list is full. Git activity of one
 * workspace and device within the page is one item, at the place of its newest row. Both lists hold one row more than a page
 * may take (`limit` sessions, GIT_ROWS_PER_PAGE_MAX rows of git activity), so that reaching it means that there is more.
 */
export function mergeTimeline(
  sessions: readonly Listed<Session>[],
  git: readonly Listed<UnmatchedGit>[],
  limit: number,
): TimelinePage {
  const items: TimelineItem[] = [];
  const open = new Map<string, GitItem>();
  let last: TimelinePosition | null = null;
  let nextSession = 0;
  let nextGit = 0;
  for (;;) {
    const session = sessions[nextSession];
    const row = git[nextGit];
    if (sessions[nextSession - 1]?.page_is_full || git[nextGit - 1]?.page_is_full)
      return { items, last, hasMore: true };
    if (session !== undefined && (row === undefined || session.started_at >= row.timestamp)) {
      if (items.length === limit) return { items, last, hasMore: true };
      items.push({ type: "session", session: withoutFlag(session), git_activity: [] });
      last = { kind: "session", time: session.started_at, id: session.id };
      nextSession += 1;
    } else if (row !== undefined) {
      if (nextGit === GIT_ROWS_PER_PAGE_MAX || !addGit(items, open, row, limit))
        return { items, last, hasMore: true };
      last = { kind: "git", time: row.timestamp, id: row.id };
      nextGit += 1;
    } else {
      return { items, last, hasMore: false };
    }
  }
}

/** Gives each session item the activity that belongs to it. */
export function attachGit(items: readonly TimelineItem[], git: readonly GitActivity[]): void {
  const bySession = Map.groupBy(git, (row) => row.session_id);
  for (const item of items) {
    if (item.type === "session") item.git_activity = bySession.get(item.session.id) ?? [];
  }
}

/** False: it would need an item more than the page holds. */
function addGit(
  items: TimelineItem[],
  open: Map<string, GitItem>,
  row: Listed<UnmatchedGit>,
  limit: number,
): boolean {
  const { workspace_name, device_name, possible_sessions, page_is_full: _, ...activity } = row;
  const { workspace_id, device_id, timestamp: started_at } = activity;
  const key = JSON.stringify([workspace_id, device_id]);
  const existing = open.get(key);
  if (existing !== undefined && existing.git_activity.length < GIT_ROWS_PER_ITEM_MAX) {
    existing.git_activity.push(activity);
    existing.possible_sessions = [...new Set([...existing.possible_sessions, ...possible_sessions])];
    return true;
  }
  if (items.length === limit) return false;
  const item: GitItem = {
    type: "git_activity",
    workspace_id,
    workspace_name,
    device_id,
    device_name,
    git_activity: [activity],
    possible_sessions,
    started_at,
  };
  items.push(item);
  open.set(key, item);
  return true;
}

function withoutFlag({ page_is_full: _, ...session }: Listed<Session>): Session {
  return session;
}
