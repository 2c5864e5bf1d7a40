/** A table of the export. Its rows are read in the order of `key`, whose index they have. */
export type ExportedTable = {
  name: string;
  key: readonly (readonly [column: string, type: "text" | "bigint" | "integer" | "date" | "timestamptz"])[];
  /** Not exported. */
  except?: "deleted sessions" | "shipped prices";
  /** Of a table whose rows are numbered by each hub: what two equal rows have in common, where no unique index tells. */
  sameBy?: readonly string[];
};

const ID = [["id", "text"]] as const;
const NUMBER = [["id", "bigint"]] as const;
const LINE = [
  ["file_id", "bigint"],
  ["generation", "integer"],
] as const;

/**
 * What a hub holds of workspaces, devices, sessions, events, git activity and transcripts, parents before those that refer to them.
 * Keys, jobs and totals are left out: totals follow from the rows.
 */
export const EXPORTED_TABLES: readonly ExportedTable[] = [
  { name: "workspaces", key: ID },
  { name: "devices", key: ID },
  {
    name: "workspace_devices",
    key: [
      ["workspace_id", "text"],
      ["device_id", "text"],
    ],
  },
  { name: "workspace_retention", key: [["workspace_id", "text"]] },
  {
    name: "prices",
    key: [
      ["model", "text"],
      ["valid_from", "date"],
      ["kind", "text"],
    ],
    except: "shipped prices",
  },
  { name: "remote_envs", key: ID },
  { name: "blueprints", key: ID },
  { name: "session_tombstones", key: [["session_id", "text"]] },
  { name: "sessions", key: ID, except: "deleted sessions" },
  {
    name: "session_reports",
    key: NUMBER,
    sameBy: ["session_id", "device_id", "kind", "at", "event_id", "ended_at", "received_at"],
  },
  { name: "session_summaries", key: [["session_id", "text"]] },
  { name: "subagents", key: ID },
  { name: "session_skills", key: ID },
  { name: "session_worktrees", key: ID },
  { name: "teams", key: ID },
  { name: "teammates", key: ID },
  { name: "events", key: ID },
  { name: "git_activity", key: ID },
  {
    name: "git_matches",
    key: [
      ["git_activity_id", "text"],
      ["session_id", "text"],
    ],
  },
  { name: "transcript_files", key: NUMBER },
  { name: "transcript_generations", key: LINE },
  { name: "transcript_segments", key: [...LINE, ["stored_start", "bigint"]] },
  {
    name: "transcript_turns",
    key: [
      ["session_id", "text"],
      ["turn_id", "text"],
      ["device_id", "text"],
    ],
  },
  { name: "transcript_messages", key: ID },
  { name: "content_blocks", key: ID },
  { name: "transcript_facts", key: [...LINE, ["line", "bigint"], ["position", "integer"]] },
  {
    name: "hidden_messages",
    key: [["message_id", "text"], ...LINE],
  },
  {
    name: "tool_calls",
    key: [
      ["session_id", "text"],
      ["call_id", "text"],
    ],
  },
  {
    name: "file_touches",
    key: [
      ["session_id", "text"],
      ["call_id", "text"],
      ["path", "text"],
    ],
  },
  {
    name: "response_sightings",
    key: [
      ["agent", "text"],
      ["response_key", "text"],
      ["file_id", "bigint"],
    ],
  },
  {
    name: "model_responses",
    key: [
      ["agent", "text"],
      ["response_key", "text"],
    ],
  },
];

/** Earlier exports have them; they follow from the messages. */
export const IGNORED_TABLES: ReadonlySet<string> = new Set(["search_tokens", "search_documents"]);
