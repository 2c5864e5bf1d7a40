import type { BackfillSession, SessionPatch, SessionReport } from "@wharf/protocol";

/** An event as it is stored, its workspace by its canonical id. */
export type StoredEvent = {
  id: string;
  type: string;
  timestamp: string;
  device_id: string;
  workspace_id: string;
  session_id: string | null;
  data: Record<string, unknown>;
};

/** What was said of sessions besides events, none of which tell of it. */
export type Said = {
  reports?: readonly (SessionReport & { workspace_canonical_id: string })[];
  backfills?: readonly BackfillSession[];
  patches?: readonly { id: string; patch: SessionPatch }[];
  /** Ids of sessions that were ended for their silence. */
  endedByServer?: ReadonlySet<string>;
};

export type CountedSession = ReturnType<typeof countSession>;

/** What an event or a report says of a session. `rank`: 0 a start or a report, 1 an end, 2 a backfill. */
type Source = { rank: number; at: number; by: string; workspace: string; device: string; values: Values };
type Values = Record<string, unknown> & { metadata?: Record<string, unknown> };

const UNASSOCIATED = "_unassociated";
const REASONS = new Set(["exit", "clear", "logout", "crash", "resume", "other"]);
const SOURCES = new Set(["startup", "resume", "clear", "compact", "fork", "backfill", "other"]);
const METADATA_OF_EVENTS = ["cwd", "cc_version", "transcript_path"];

/**
 * Sessions as events and reports make them, counted by this code alone: the earliest start gives place and time, the latest end
 * closes the session unless a later start resumes it, and of other values the earliest stands, starts before ends before backfills.
 */
export function countSessions(events: readonly StoredEvent[], said: Said) {
  const { reports = [], backfills = [] } = said;
  const bySession = Map.groupBy(
    events.filter(({ session_id }) => session_id !== null),
    ({ session_id }) => session_id ?? "",
  );
  const ids = new Set([
    ...bySession.keys(),
    ...reports.map(({ id }) => id),
    ...backfills.map(({ session_id }) => session_id),
  ]);
  return [...ids].sort().map((id) => countSession(id, bySession.get(id) ?? [], said));
}

function countSession(id: string, events: readonly StoredEvent[], said: Said) {
  const isEndedByServer = said.endedByServer?.has(id) ?? false;
  const starts = [...sourcesOf(events, "session.start", 0), ...reportsOf(id, said)].sort(byOrder);
  const ends = sourcesOf(events, "session.end", 1);
  const [backfill] = backfillsOf(id, said).sort(byOrder);
  const [first] = events.map((event) => sourceOf(event, 1)).sort(byOrder);
  const [start] = starts;
  const origin = start ?? (backfill === undefined ? first : undefined);
  const all = [...starts, ...ends, ...(backfill === undefined ? [] : [backfill])];
  const place = [start ?? first, backfill].find(
    (source) => source !== undefined && source.workspace !== UNASSOCIATED,
  );
  const started = (origin ?? backfill)?.at ?? Number.NaN;
  const isStartKnown = start !== undefined || backfill !== undefined;
  const end = endOf(events, [...starts, ...ends], backfill, isEndedByServer);
  const device = (start ?? first ?? backfill)?.device;
  return {
    id,
    workspace_canonical_id: (place ?? start ?? first ?? backfill)?.workspace,
    device_id: device,
    lifecycle: end !== null ? "ended" : isStartKnown ? "capturing" : "detected",
    started_at: started,
    ended_at: end?.at ?? null,
    end_reason: end?.reason ?? null,
    duration_ms: end === null ? null : durationOf(end, started, isStartKnown),
    git_branch: smallest(all, "git_branch"),
    model: smallest(all, "model"),
    source: known(
      smallest(
        all.filter(({ rank }) => rank !== 1),
        "source",
      ),
      SOURCES,
    ),
    initial_prompt: smallest(all, "initial_prompt") ?? promptOf(events, device),
    metadata: metadataOf(all),
    ended_by_server: isEndedByServer,
    ...editedOf(id, said),
  };
}

function sourcesOf(events: readonly StoredEvent[], type: string, rank: number): Source[] {
  return events.filter((event) => event.type === type).map((event) => sourceOf(event, rank));
}

function sourceOf({ id, timestamp, workspace_id, device_id, data }: StoredEvent, rank: number): Source {
  const metadata = Object.fromEntries(METADATA_OF_EVENTS.map((name) => [name, data[name]]));
  const values = { ...data, ended_at: rank === 1 ? timestamp : undefined, metadata };
  return { rank, at: Date.parse(timestamp), by: id, workspace: workspace_id, device: device_id, values };
}

function reportsOf(id: string, { reports = [] }: Said): Source[] {
  const own = reports.filter((report) => report.id === id);
  return own.map(({ workspace_canonical_id, device_id, started_at, ...values }) => ({
    rank: 0,
    at: Date.parse(started_at),
    by: "",
    workspace: workspace_canonical_id,
    device: device_id,
    values: { ...values, metadata: { ...values.metadata, cwd: values.cwd } },
  }));
}

function backfillsOf(id: string, { backfills = [] }: Said): Source[] {
  const own = backfills.filter(({ session_id }) => session_id === id);
  return own.map(({ workspace_canonical_id, device_id, started_at, ...values }) => ({
    rank: 2,
    at: Date.parse(started_at),
    by: "",
    workspace: workspace_canonical_id,
    device: device_id,
    values: { source: "backfill", ...values, metadata: { cwd: values.cwd } },
  }));
}

function byOrder(one: Source, other: Source): number {
  return one.rank - other.rank || one.at - other.at || (one.by < other.by ? -1 : 1);
}

/** The first prompt among the events of the session's own device. */
function promptOf(events: readonly StoredEvent[], device: string | undefined): unknown {
  const prompts = sourcesOf(events, "agent.prompt", 1).filter((prompt) => prompt.device === device);
  return smallest(
    prompts.filter(({ values }) => values["text"] !== ""),
    "text",
  );
}

/** The first value that is said under this name. */
function smallest(sources: readonly Source[], name: string): unknown {
  return sources.toSorted(byOrder).find(({ values }) => values[name] != null)?.values[name] ?? null;
}

function known(value: unknown, values: ReadonlySet<unknown>): unknown {
  return value === null || values.has(value) ? value : "other";
}

/** Of the transcript's path the latest stands. */
function metadataOf(sources: readonly Source[]): Record<string, unknown> {
  const names = new Set(sources.flatMap(({ values }) => Object.keys(values.metadata ?? {})));
  const later = sources.toSorted((one, other) => other.at - one.at);
  const said = [...names].map((name) => {
    const ordered = name === "transcript_path" ? later : sources.toSorted(byOrder);
    return [
      name,
      ordered.find(({ values }) => values.metadata?.[name] != null)?.values.metadata?.[name],
    ] as const;
  });
  return Object.fromEntries(said.filter(([, value]) => value !== undefined));
}

type End = { at: number; reason: unknown; duration_ms: number | null };

function endOf(
  events: readonly StoredEvent[],
  sources: readonly Source[],
  backfill: Source | undefined,
  isEndedByServer: boolean,
): End | null {
  if (isEndedByServer) {
    const last = Math.max(...events.map(({ timestamp }) => Date.parse(timestamp)));
    return { at: last, reason: "crash", duration_ms: null };
  }
  const ends = sources.flatMap((source) => endsOf(source)).sort((one, other) => other.at - one.at);
  const [latest] = ends.length > 0 || backfill === undefined ? ends : endsOf(backfill);
  const resumes = sources.filter(
    ({ rank, by, values }) => rank === 0 && by !== "" && values["source"] === "resume",
  );
  return latest === undefined || resumes.some(({ at }) => at > latest.at) ? null : latest;
}

function endsOf({ values }: Source): End[] {
  const { ended_at, end_reason, duration_ms } = values;
  if (typeof ended_at !== "string") return [];
  const reason = end_reason === "prompt_input_exit" ? "exit" : known(end_reason ?? null, REASONS);
  return [
    { at: Date.parse(ended_at), reason, duration_ms: typeof duration_ms === "number" ? duration_ms : null },
  ];
}

/** Agents' hooks that know no duration send 0. */
function durationOf({ at, duration_ms }: End, started: number, isStartKnown: boolean): number {
  const isReported = duration_ms !== null && !(duration_ms === 0 && isStartKnown);
  return isReported ? duration_ms : Math.max(0, at - started);
}

function editedOf(
  id: string,
  { reports = [], patches = [] }: Said,
): { tags: string[]; summary: string | null } {
  const tags = new Set(reports.filter((report) => report.id === id).flatMap((report) => report.tags ?? []));
  const edits = patches.filter((edit) => edit.id === id).map(({ patch }) => patch);
  for (const { add_tags = [] } of edits) for (const tag of add_tags) tags.add(tag);
  for (const { remove_tags = [] } of edits) for (const tag of remove_tags) tags.delete(tag);
  return { tags: [...tags].sort(), summary: edits.at(-1)?.summary ?? null };
}
