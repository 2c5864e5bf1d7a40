/** What the schema has to be, written down apart from the migrations: as the catalog tells it, in any order. */

const TIME = "timestamp with time zone";
const EMPTY_OBJECT = "jsonb NOT NULL DEFAULT '{}'::jsonb";
const NOW = `${TIME} NOT NULL DEFAULT now()`;
const FLAG = "boolean NOT NULL DEFAULT false";

/** A line for each of the names, which are of one type. */
function columns(type: string, names: string): string[] {
  return names.split(" ").map((name) => `${name} ${type}`);
}

function oneOf(table: string, column: string, values: string): string {
  const list = values.split(" ").map((value) => `'${value}'::text`);
  return `CONSTRAINT ${table}_${column}_check CHECK ((${column} = ANY (ARRAY[${list.join(", ")}])))`;
}

function references(table: string, parents: Record<string, string>): string[] {
  return Object.entries(parents).map(
    ([column, parent]) =>
      `CONSTRAINT ${table}_${column}_fkey FOREIGN KEY (${column}) REFERENCES ${parent}(id)`,
  );
}

function primaryKey(table: string, key = "id"): string {
  return `CONSTRAINT ${table}_pkey PRIMARY KEY (${key})`;
}

function index(name: string, table: string, definition: string): string {
  return `CREATE INDEX ${name} ON public.${table} USING ${definition}`;
}

export const PHASE_1_TABLES: Record<string, string[]> = {
  workspaces: [
    ...columns("text NOT NULL", "id canonical_id display_name"),
    "default_branch text",
    `metadata ${EMPTY_OBJECT}`,
    ...columns(NOW, "first_seen_at updated_at"),
    primaryKey("workspaces"),
    "CONSTRAINT workspaces_canonical_id_key UNIQUE (canonical_id)",
  ],
  devices: [
    ...columns("text NOT NULL", "id name type"),
    ...columns("text", "hostname os arch"),
    "status text NOT NULL DEFAULT 'online'::text",
    `metadata ${EMPTY_OBJECT}`,
    ...columns(NOW, "first_seen_at last_seen_at"),
    primaryKey("devices"),
    oneOf("devices", "type", "local remote"),
    oneOf("devices", "status", "online offline provisioning terminated"),
  ],
  workspace_devices: [
    ...columns("text NOT NULL", "workspace_id device_id local_path"),
    ...columns(FLAG, "hooks_installed git_hooks_installed"),
    `last_active_at ${NOW}`,
    primaryKey("workspace_devices", "workspace_id, device_id"),
    ...references("workspace_devices", { workspace_id: "workspaces", device_id: "devices" }),
  ],
  sessions: [
    ...columns("text NOT NULL", "id workspace_id device_id"),
    ...columns("text", "remote_env_id end_reason initial_prompt git_branch model source transcript_s3_key"),
    ...columns("text", "parse_error summary"),
    "lifecycle text NOT NULL DEFAULT 'detected'::text",
    "parse_status text DEFAULT 'pending'::text",
    `started_at ${TIME} NOT NULL`,
    `ended_at ${TIME}`,
    ...columns("integer", "total_messages user_messages assistant_messages tool_use_count thinking_blocks"),
    ...columns("integer", "subagent_count duration_ms"),
    ...columns("bigint", "tokens_in tokens_out cache_read_tokens cache_write_tokens"),
    "cost_estimate_usd numeric(10,6)",
    "tags text[] NOT NULL DEFAULT '{}'::text[]",
    `metadata ${EMPTY_OBJECT}`,
    ...columns(NOW, "created_at updated_at"),
    primaryKey("sessions"),
    oneOf("sessions", "lifecycle", "detected capturing ended parsed summarized archived failed"),
    oneOf("sessions", "parse_status", "pending parsing completed failed"),
    ...references("sessions", { workspace_id: "workspaces", device_id: "devices" }),
    index("idx_sessions_workspace", "sessions", "btree (workspace_id, started_at DESC)"),
    index("idx_sessions_device", "sessions", "btree (device_id, started_at DESC)"),
    index("idx_sessions_lifecycle", "sessions", "btree (lifecycle)"),
    index("idx_sessions_tags", "sessions", "gin (tags)"),
  ],
  events: [
    ...columns("text NOT NULL", "id type device_id workspace_id"),
    `timestamp ${TIME} NOT NULL`,
    "session_id text",
    "data jsonb NOT NULL",
    "blob_refs jsonb NOT NULL DEFAULT '[]'::jsonb",
    `ingested_at ${NOW}`,
    primaryKey("events"),
    ...references("events", { workspace_id: "workspaces", device_id: "devices", session_id: "sessions" }),
    index("idx_events_workspace_time", "events", 'btree (workspace_id, "timestamp" DESC)'),
    index("idx_events_session", "events", 'btree (session_id, "timestamp") WHERE (session_id IS NOT NULL)'),
    index("idx_events_type", "events", 'btree (type, "timestamp" DESC)'),
    index("idx_events_device", "events", 'btree (device_id, "timestamp" DESC)'),
  ],
};

/** The columns of the tables of phases 2 to 5. */
export const LATER_COLUMNS: Record<string, string[]> = {
  transcript_messages: [
    ...columns("text NOT NULL", "id session_id message_type"),
    ...columns("integer NOT NULL", "line_number ordinal"),
    ...columns("text", "role model subagent_id"),
    ...columns("integer", "tokens_in tokens_out cache_read cache_write"),
    "cost_usd numeric(10,6)",
    "compact_sequence integer NOT NULL DEFAULT 0",
    `timestamp ${TIME}`,
    "raw_message jsonb",
    `metadata ${EMPTY_OBJECT}`,
    ...columns(FLAG, "is_compacted has_text has_thinking has_tool_use has_tool_result"),
  ],
  content_blocks: [
    ...columns("text NOT NULL", "id message_id session_id block_type"),
    "block_order integer NOT NULL",
    ...columns("text", "content_text thinking_text tool_name tool_use_id tool_result_id result_text"),
    ...columns("text", "result_s3_key subagent_id"),
    "tool_input jsonb",
    "is_error boolean DEFAULT false",
    `metadata ${EMPTY_OBJECT}`,
  ],
  git_activity: [
    ...columns("text NOT NULL", "id workspace_id device_id type"),
    ...columns("text", "session_id branch commit_sha message"),
    ...columns("integer", "files_changed insertions deletions"),
    `timestamp ${TIME} NOT NULL`,
    `data ${EMPTY_OBJECT}`,
  ],
  subagents: [
    ...columns("text NOT NULL", "id session_id agent_type"),
    ...columns("text", "agent_id agent_name model isolation transcript_s3_key"),
    "run_in_background boolean",
    ...columns(TIME, "started_at ended_at"),
    ...columns("bigint", "tokens_in tokens_out cache_read_tokens cache_write_tokens"),
    "cost_estimate_usd numeric(10,6)",
  ],
  session_skills: [
    ...columns("text NOT NULL", "id session_id skill_name"),
    `invoked_at ${TIME} NOT NULL`,
    ...columns("text", "invoked_by args"),
  ],
  session_worktrees: [
    ...columns("text NOT NULL", "id session_id"),
    ...columns("text", "worktree_name branch"),
    `created_at ${TIME} NOT NULL`,
    `removed_at ${TIME}`,
    "had_changes boolean",
  ],
  teams: [...columns("text NOT NULL", "id session_id team_name"), "description text", `created_at ${NOW}`],
  teammates: [
    ...columns("text NOT NULL", "id team_id session_id entity_name"),
    "subagent_id text",
    `created_at ${NOW}`,
  ],
  remote_envs: [
    ...columns("text NOT NULL", "id workspace_id instance_type region"),
    ...columns("text", "device_id instance_id public_ip ssh_key_s3_key termination_reason"),
    "status text NOT NULL DEFAULT 'provisioning'::text",
    "blueprint jsonb NOT NULL",
    "ttl_minutes integer NOT NULL DEFAULT 480",
    "idle_timeout_minutes integer NOT NULL DEFAULT 60",
    "cost_per_hour_usd numeric(6,3)",
    "total_cost_usd numeric(8,3)",
    `provisioned_at ${NOW}`,
    ...columns(TIME, "ready_at terminated_at"),
    `metadata ${EMPTY_OBJECT}`,
  ],
  blueprints: [
    ...columns("text NOT NULL", "id name source"),
    ...columns("text", "workspace_id detected_from"),
    "config jsonb NOT NULL",
    ...columns(NOW, "created_at updated_at"),
  ],
};
