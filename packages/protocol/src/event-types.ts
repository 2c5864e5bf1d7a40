export const TYPE_CHARACTERS_MAX = 100;
export const EVENT_TYPE_PATTERN = /^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+$/;

/**
 * What is derived from an event besides its row:
 * `session`: its start or end · `git`: a row of git_activity · `relation`: subagents, teams, skills or worktrees of its session ·
 * `remote_env`: a remote environment · `device`: a name of the device, or where it keeps a workspace ·
 * `live`: the live state of its session · `rewrite`: the sessions of commits that replaced others.
 */
export type Derivation = "session" | "git" | "relation" | "remote_env" | "device" | "live" | "rewrite";

/**
 * The event types that Wharf knows, each with what is derived from it. Events of other types are stored as they come. Every event
 * creates its device, its workspace and a stub of its session, and tells that they were active.
 */
const DERIVATIONS = {
  "session.start": ["session", "device", "live"],
  "session.end": ["session", "live"],
  "session.compact": [],
  "git.commit": ["git"],
  "git.push": ["git"],
  "git.checkout": ["git"],
  "git.merge": ["git"],
  "git.rewrite": ["rewrite"],
  "remote.provision.start": ["remote_env"],
  "remote.provision.ready": ["remote_env", "device"],
  "remote.provision.error": ["remote_env"],
  "remote.terminate": ["remote_env"],
  "system.device.register": [],
  "system.hooks.installed": ["device"],
  "system.heartbeat": [],
  "subagent.start": ["relation"],
  "subagent.stop": ["relation"],
  "team.create": ["relation"],
  "team.message": [],
  "skill.invoke": ["relation"],
  "worktree.create": ["relation"],
  "worktree.remove": ["relation"],
  "agent.prompt": ["live"],
  "agent.turn_end": ["live"],
  "agent.waiting": ["live"],
  "agent.tool": ["live"],
} as const satisfies Record<string, readonly Derivation[]>;

export type KnownEventType = keyof typeof DERIVATIONS;

export const SESSION_START = "session.start" satisfies KnownEventType;
export const SESSION_END = "session.end" satisfies KnownEventType;
export const HOOKS_INSTALLED = "system.hooks.installed" satisfies KnownEventType;

export const EVENT_TYPES = Object.keys(DERIVATIONS).filter(isKnownEventType);

export function isKnownEventType(type: string): type is KnownEventType {
  return Object.hasOwn(DERIVATIONS, type);
}

/** What is derived from events of this type; nothing from a type that is not known. */
export function derivationsOf(type: string): readonly Derivation[] {
  return isKnownEventType(type) ? DERIVATIONS[type] : [];
}

/** The types from whose events this is derived. */
export function typesDeriving(derivation: Derivation): KnownEventType[] {
  return EVENT_TYPES.filter((type) => derivationsOf(type).includes(derivation));
}

/** By the first part of an event's type, the payload field that names the session; the others have none. */
const SESSION_FIELDS: Readonly<Record<string, string>> = {
  session: "cc_session_id",
  subagent: "session_id",
  team: "session_id",
  skill: "session_id",
  worktree: "session_id",
};

/** The payload field in which events of this type, known or not, name their session. */
export function sessionFieldOf(type: string): string | undefined {
  return SESSION_FIELDS[type.split(".", 1)[0] ?? ""];
}

/** Events of this type, known or not, change the device that their payload names. */
export function changesNamedDevice(type: string): boolean {
  return type.startsWith("remote.");
}
