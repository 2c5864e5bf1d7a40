import {
  anEvent,
  commit,
  end,
  minute,
  type SentEvent,
  start,
  toolUse,
} from "../../ingest/__tests__/event-factory.ts";

const MINUTES = 60;
const WORKSPACES = 3;
const ENVIRONMENTS = 4;
const AGENTS = 3;

type Kind = (
  session: string,
  at: number,
  fields: Partial<SentEvent>,
  pick: (max: number) => number,
) => SentEvent;

/** An event of a type without fields of its own in event-factory.ts; its payload names the session, too. */
const of =
  (type: string, data: (pick: (max: number) => number) => object): Kind =>
  (session, at, fields, pick) =>
    anEvent({
      type,
      session_id: session,
      timestamp: minute(at),
      data: { session_id: session, ...data(pick) },
      ...fields,
    });

const agent = (pick: (max: number) => number) => ({
  agent_id: `a${pick(AGENTS)}`,
  agent_type: `type-${pick(3)}`,
});
const instance = (pick: (max: number) => number) => ({ instance_id: `i-${pick(ENVIRONMENTS)}` });

/** Every kind of event that is projected onto a table, and one of an unknown type. */
const KINDS: readonly Kind[] = [
  (session, at, fields) => start(session, at, {}, fields),
  (session, at, fields) => start(session, at, { source: "resume" }, fields),
  (session, at, fields) => end(session, at, {}, fields),
  (session, at, fields) => toolUse(session, at, fields),
  (session, at, fields) => commit(at, { ...fields, session_id: session }),
  (_, at, fields) => commit(at, fields),
  (_, at, fields) => anEvent({ timestamp: minute(at), data: { _device_name: "named" }, ...fields }),
  of("subagent.start", agent),
  of("subagent.stop", agent),
  of("team.create", (pick) => ({ team_name: `team-${pick(2)}` })),
  of("skill.invoke", () => ({ skill_name: "review" })),
  of("worktree.create", (pick) => ({ worktree_name: `tree-${pick(2)}` })),
  of("worktree.remove", (pick) => ({ worktree_name: `tree-${pick(2)}` })),
  of("remote.provision.start", instance),
  of("remote.provision.ready", instance),
  of("remote.terminate", (pick) => ({ ...instance(pick), reason: "ttl", uptime_seconds: 1 })),
];

/** An event of any kind and time, of one of these sessions or of none. */
export function randomEvent(device_id: string, sessions: readonly string[], random: () => number): SentEvent {
  const pick = (max: number) => Math.floor(random() * max);
  const fields = { device_id, workspace_id: `github.com/acme/repo-${pick(WORKSPACES)}` };
  const session = sessions[pick(sessions.length)] ?? "";
  const make = KINDS[pick(KINDS.length)] ?? toolUse;
  return make(session, pick(MINUTES), fields, pick);
}
