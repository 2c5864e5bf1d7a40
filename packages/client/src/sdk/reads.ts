import type {
  ClientVersion,
  Device,
  GitSummary,
  Health,
  IngestHealth,
  IngestNote,
  MatchedCommit,
  PriceRow,
  PutPrice,
  Retention,
  SearchResponse,
  Session,
  Setup,
  Storage,
  TimelineItem,
  TimelineQuery,
  Usage,
  UsageQuery,
  Workspace,
  WorkspaceDevice,
  WorkspaceRedaction,
  WorkspaceRetention,
  WorkspaceStats,
} from "@wharf/protocol";
import type { Http } from "./http.ts";
import { type ListOf, type QueryOf, segment } from "./lists.ts";

type PageQuery = { limit?: number; cursor?: string };

export type WorkspaceDetail = {
  workspace: Workspace;
  recent_sessions: Session[];
  devices: (WorkspaceDevice & Pick<Device, "id" | "name" | "type" | "status" | "last_seen_at">)[];
  git_summary: GitSummary;
  stats: WorkspaceStats;
};

export type Reads = {
  /** Of the client that the hub offers; needs no key. */
  clientVersion(): Promise<ClientVersion>;
  /** Needs no key. */
  health(): Promise<Health>;
  limits(): Promise<Record<string, number>>;
  /** Words, "phrases", -words and filters such as `tool:Bash`; the best match of each session. */
  search(query: { q: string } & PageQuery): Promise<SearchResponse>;
  usage(query?: QueryOf<UsageQuery>): Promise<Usage>;
  timeline(query?: QueryOf<TimelineQuery>): Promise<ListOf<"items", TimelineItem>>;
  workspaces: {
    list(query?: PageQuery): Promise<ListOf<"workspaces", Workspace>>;
    /** By id, canonical id or name. */
    get(idOrName: string): Promise<WorkspaceDetail>;
    /** Its commits and merges, newest first, each with its sessions. */
    commits(idOrName: string, query?: PageQuery): Promise<ListOf<"commits", MatchedCommit>>;
    /** One without sessions, with its git activity; needs an admin key. */
    delete(idOrName: string): Promise<null>;
    /** How long texts are kept, and who changed that; needs an admin key. */
    retention(idOrName: string): Promise<WorkspaceRetention>;
    /** Replaces all three values. `isDryRun`: nothing is changed, and `deletes` counts what would be due. Needs an admin key. */
    putRetention(
      idOrName: string,
      retention: Retention,
      options?: { isDryRun?: boolean },
    ): Promise<WorkspaceRetention>;
    /** Whether secrets are replaced; needs an admin key. `isDryRun`: `dry_run` counts those that a new search would replace. */
    redaction(idOrName: string, options?: { isDryRun?: boolean }): Promise<WorkspaceRedaction>;
    /** Of what is received from now on; needs an admin key. */
    switchRedaction(idOrName: string, redaction: "on" | "off"): Promise<WorkspaceRedaction>;
    /** A job that searches what is held for secrets, and replaces them unless it is a dry run; needs an admin key. */
    redactHeld(idOrName: string, options?: { isDryRun?: boolean }): Promise<{ job_id: string }>;
  };
  /** By 7 to 64 hexadecimal digits; an empty list for an unknown commit. */
  commits(sha: string): Promise<MatchedCommit[]>;
  prices(): Promise<PriceRow[]>;
  /** What a new hub still needs. */
  setup(): Promise<Setup>;
  /** Sizes, growth, free disk space and retention. */
  storage(): Promise<Storage>;
  /** Adds or replaces one price; needs an admin key. */
  putPrice(price: Partial<PutPrice> & Pick<PutPrice, "model" | "provider">): Promise<PriceRow>;
  ingest: {
    /** The last hour of all devices. */
    health(): Promise<IngestHealth>;
    /** What was refused or odd, newest first. */
    notes(query?: PageQuery): Promise<ListOf<"notes", IngestNote>>;
  };
};

export function createReads(http: Http): Reads {
  return {
    clientVersion: () => http.json("/client/version"),
    health: () => http.json("/api/health"),
    limits: async () => (await http.json<{ limits: Record<string, number> }>("/api/limits")).limits,
    search: (query) => http.json("/api/search", { query }),
    usage: (query = {}) => http.json("/api/usage", { query }),
    timeline: (query = {}) => http.json("/api/timeline", { query }),
    workspaces: {
      list: (query = {}) => http.json("/api/workspaces", { query }),
      get: (idOrName) => http.json(`/api/workspaces/${segment(idOrName)}`),
      commits: (workspace_id, query = {}) => http.json("/api/commits", { query: { ...query, workspace_id } }),
      delete: (idOrName) => http.json(`/api/workspaces/${segment(idOrName)}`, { method: "DELETE" }),
      retention: (idOrName) => http.json(`/api/workspaces/${segment(idOrName)}/retention`),
      putRetention: (idOrName, json, { isDryRun = false } = {}) =>
        http.json(`/api/workspaces/${segment(idOrName)}/retention`, {
          method: "PUT",
          json,
          query: { dry_run: isDryRun ? "1" : "0" },
        }),
      redaction: (idOrName, { isDryRun = false } = {}) =>
        http.json(`/api/workspaces/${segment(idOrName)}/redaction`, {
          query: { dry_run: isDryRun ? "1" : "0" },
        }),
      switchRedaction: (idOrName, redaction) =>
        http.json(`/api/workspaces/${segment(idOrName)}/redaction`, { method: "PUT", json: { redaction } }),
      redactHeld: (workspace_id, { isDryRun = false } = {}) =>
        http.json("/api/sessions/redact", { method: "POST", json: { workspace_id, dry_run: isDryRun } }),
    },
    commits: async (sha) =>
      (await http.json<{ commits: MatchedCommit[] }>(`/api/commits/${segment(sha)}`)).commits,
    setup: () => http.json("/api/setup"),
    storage: () => http.json("/api/storage"),
    putPrice: async (json) =>
      (await http.json<{ price: PriceRow }>("/api/prices", { method: "PUT", json })).price,
    ingest: {
      health: () => http.json("/api/ingest/health"),
      notes: (query = {}) => http.json("/api/ingest/notes", { query }),
    },
    prices: async () => (await http.json<{ prices: PriceRow[] }>("/api/prices")).prices,
  };
}
