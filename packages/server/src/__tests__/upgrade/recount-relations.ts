import { type CountedSession, countSessions, type Said, type StoredEvent } from "./recount-sessions.ts";

type Row = Record<string, unknown>;

const ofType = (events: readonly StoredEvent[], type: string) =>
  events
    .filter((event) => event.type === type)
    .toSorted((one, other) => one.timestamp.localeCompare(other.timestamp) || (one.id < other.id ? -1 : 1));
const value = (event: StoredEvent | undefined, name: string) => event?.data[name] ?? null;

/** Everything that is derived, counted from events and from what was said besides them. */
export function countDerived(events: readonly StoredEvent[], said: Said) {
  const sessions = countSessions(events, said);
  return {
    sessions,
    git: countGit(events, sessions),
    subagents: countSubagents(events),
    teams: countTeams(events),
    skills: countSkills(events),
    worktrees: countWorktrees(events),
    links: countLinks(events, said),
  };
}

/** Git activity with the session that each names, or those during which it happened: they may be its sessions, and no more. */
function countGit(events: readonly StoredEvent[], sessions: readonly CountedSession[]): Row[] {
  const git = events.filter(({ type }) =>
    ["git.commit", "git.push", "git.checkout", "git.merge"].includes(type),
  );
  return git
    .map((event) => ({
      id: event.id,
      type: event.type.slice("git.".length),
      workspace: event.workspace_id,
      device_id: event.device_id,
      session_id: event.session_id,
      possible: event.session_id === null ? sessionsDuring(event, sessions) : [],
      branch: value(event, "branch") ?? value(event, "into_branch") ?? value(event, "to_branch"),
      commit_sha: value(event, "hash") ?? value(event, "merge_commit"),
      message: value(event, "message"),
      files_changed: value(event, "files_changed"),
      timestamp: Date.parse(event.timestamp),
    }))
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

function sessionsDuring(
  { workspace_id, device_id, timestamp }: StoredEvent,
  sessions: readonly CountedSession[],
) {
  const at = Date.parse(timestamp);
  const during = sessions.filter(
    (session) =>
      session.workspace_canonical_id === workspace_id &&
      session.device_id === device_id &&
      session.started_at <= at &&
      at <= (session.ended_at ?? Number.POSITIVE_INFINITY),
  );
  return during.map(({ id }) => id).sort();
}

/** Of each agent in a session the earliest start, and the latest stop. */
function countSubagents(events: readonly StoredEvent[]): Row[] {
  const own = [...ofType(events, "subagent.start"), ...ofType(events, "subagent.stop")];
  return byKey(own, (event) => `${event.session_id} ${value(event, "agent_id")}`).map((group) => {
    const [start] = ofType(group, "subagent.start");
    const stop = ofType(group, "subagent.stop").at(-1);
    return {
      session_id: group[0]?.session_id,
      agent_id: value(group[0], "agent_id"),
      agent_type: value(start ?? stop, "agent_type"),
      agent_name: value(start, "agent_name"),
      model: value(start, "model"),
      started_at: start === undefined ? null : Date.parse(start.timestamp),
      ended_at: stop === undefined ? null : Date.parse(stop.timestamp),
    };
  });
}

function countTeams(events: readonly StoredEvent[]): Row[] {
  const mentions = [...ofType(events, "team.create"), ...ofType(events, "subagent.start")].filter(
    (event) => typeof event.data["team_name"] === "string" && event.data["team_name"] !== "",
  );
  return byKey(mentions, (event) => `${event.session_id} ${value(event, "team_name")}`).map((group) => ({
    session_id: group[0]?.session_id,
    team_name: value(group[0], "team_name"),
    created_at: Math.min(...group.map(({ timestamp }) => Date.parse(timestamp))),
    members: [
      ...new Set(
        ofType(group, "subagent.start").map(
          (event) => value(event, "agent_name") ?? value(event, "agent_id"),
        ),
      ),
    ],
  }));
}

function countSkills(events: readonly StoredEvent[]): Row[] {
  return byKey(ofType(events, "skill.invoke"), ({ id }) => id).map(([event]) => ({
    id: event?.id,
    session_id: event?.session_id,
    skill_name: value(event, "skill_name"),
    invoked_by: value(event, "invoked_by"),
    invoked_at: Date.parse(event?.timestamp ?? ""),
  }));
}

/** One row for each name in a session; the last creation and the last removal decide whether it is there. */
function countWorktrees(events: readonly StoredEvent[]): Row[] {
  const changes = [...ofType(events, "worktree.create"), ...ofType(events, "worktree.remove")];
  return byKey(changes, (event) => `${event.session_id} ${value(event, "worktree_name")}`).map((group) => {
    const created = ofType(group, "worktree.create").at(-1);
    const removed = ofType(group, "worktree.remove").at(-1);
    const isGone = removed !== undefined && (created === undefined || removed.timestamp >= created.timestamp);
    return {
      session_id: group[0]?.session_id,
      worktree_name: value(group[0], "worktree_name"),
      branch: value(created, "branch"),
      created_at: Math.min(...group.map(({ timestamp }) => Date.parse(timestamp))),
      removed_at: isGone ? Date.parse(removed.timestamp) : null,
      had_changes: isGone ? value(removed, "had_changes") : null,
    };
  });
}

/** Which device works on which workspace, and the path that was said last. */
function countLinks(events: readonly StoredEvent[], { reports = [], backfills = [] }: Said): Row[] {
  const all = [...reports, ...backfills.map((backfill) => ({ ...backfill, id: backfill.session_id }))];
  const said = [
    ...events.map((event) => ({
      workspace: event.workspace_id,
      device_id: event.device_id,
      path: event.type === "session.start" ? event.data["cwd"] : undefined,
      at: event.timestamp,
    })),
    ...all.map(({ workspace_canonical_id, device_id, cwd, started_at }) => ({
      workspace: workspace_canonical_id,
      device_id,
      path: cwd,
      at: started_at,
    })),
  ];
  return byKey(said, ({ workspace, device_id }) => `${workspace} ${device_id}`).map((group) => {
    const paths = group.filter(({ path }) => typeof path === "string" && path !== "");
    const last = paths
      .toSorted(
        (one, other) =>
          Date.parse(one.at) - Date.parse(other.at) || (String(one.path) < String(other.path) ? -1 : 1),
      )
      .at(-1);
    return {
      workspace: group[0]?.workspace,
      device_id: group[0]?.device_id,
      local_path: last?.path ?? "unknown",
    };
  });
}

/** Groups in the order of their keys. */
function byKey<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = [...Map.groupBy(items, keyOf)];
  return groups.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, group]) => group);
}
