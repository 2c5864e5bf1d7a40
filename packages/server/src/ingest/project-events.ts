import { type Derivation, derivationsOf } from "@wharf/protocol";
import type { Database } from "../db/database.ts";
import type { Sql } from "../db/postgres.ts";
import { projectDevices } from "../db/projections/devices.ts";
import { projectGitActivity } from "../db/projections/git-activity.ts";
import { projectSessions } from "../db/projections/project-sessions.ts";
import { projectRelations } from "../db/projections/relations-from-events.ts";
import { projectRemoteEnvs } from "../db/projections/remote-envs-from-events.ts";
import { findRewritten } from "../db/projections/rewritten-commits.ts";
import { countSessions } from "../db/projections/session-count.ts";
import { findStoredEvents, type StoredEvent } from "../db/projections/stored-events.ts";
import { projectLinks } from "../db/projections/workspace-devices.ts";
import { refreshLiveStates } from "./refresh-live-states.ts";
import { retryConflicts } from "./retry-conflicts.ts";

export type ProjectedEvents = {
  /** Sessions that began, moved or ended. */
  changedSessions: string[];
  /** Git events, whose matches are to be looked for. */
  unmatchedGit: string[];
  /** Events that were passed over, because a transaction holds their session or device locked. */
  locked: string[];
};

/**
 * Derives everything that these events mean, by one statement for each concern, which gets the events that concern it. Repeating
 * it, or doing it in another order, changes nothing. Throws what a statement throws; those before it are committed then.
 */
export async function projectEvents(database: Database, ids: readonly string[]): Promise<ProjectedEvents> {
  const run = <T>(query: (sql: Sql) => Promise<T>) => retryConflicts(() => database.run(query));
  const stored = await run((sql) => findStoredEvents(sql, ids));

  const sessions = await run((sql) =>
    projectSessions(sql, idsOf(stored.filter((event) => event.session_id !== null))),
  );
  const lockedSessions = new Set<string | null>(sessions.locked);
  const inFreeSessions = stored.filter(({ session_id }) => !lockedSessions.has(session_id));

  const lockedDevices = new Set(await run((sql) => projectDevices(sql, idsOf(inFreeSessions))));
  const events = inFreeSessions.filter(({ device_id }) => !lockedDevices.has(device_id));
  const projectThose = async (derivation: Derivation, project: Projection) => {
    const concerned = idsOf(events.filter(({ type }) => derivationsOf(type).includes(derivation)));
    if (concerned.length > 0) await run((sql) => project(sql, concerned));
    return concerned;
  };

  await run((sql) => projectLinks(sql, idsOf(events)));
  const unmatchedGit = await projectThose("git", projectGitActivity);
  const rewrites = idsOf(events.filter(({ type }) => derivationsOf(type).includes("rewrite")));
  const rewrittenGit = rewrites.length === 0 ? [] : await run((sql) => findRewritten(sql, rewrites));
  await projectThose("relation", projectRelations);
  await projectThose("remote_env", projectRemoteEnvs);
  await run((sql) => countSessions(sql, sessionsOf(events)));
  await refreshLiveStates(
    database,
    sessionsOf(events.filter(({ type }) => derivationsOf(type).includes("live"))),
  );

  const projected = new Set(idsOf(events));
  return {
    changedSessions: sessions.changed,
    unmatchedGit: [...unmatchedGit, ...rewrittenGit],
    locked: idsOf(stored.filter(({ id }) => !projected.has(id))),
  };
}

type Projection = (sql: Sql, eventIds: readonly string[]) => Promise<void>;

function idsOf(events: readonly StoredEvent[]): string[] {
  return events.map(({ id }) => id);
}

function sessionsOf(events: readonly StoredEvent[]): string[] {
  return [...new Set(events.flatMap(({ session_id }) => session_id ?? []))];
}
