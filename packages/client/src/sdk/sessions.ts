import type {
  BackfillSession,
  GitMatchGrade,
  Page,
  Session,
  SessionCounts,
  SessionDetail,
  SessionFile,
  SessionGitActivity,
  SessionListQuery,
  SessionPatch,
  SessionReport,
  SessionSelection,
  StoredEvent,
} from "@wharf/protocol";
import type { Http } from "./http.ts";
import { everyItem, type ListOf, type QueryOf, segment } from "./lists.ts";

type PageQuery = { limit?: number; cursor?: string };
type SessionState = Pick<Session, "lifecycle" | "parse_status" | "updated_at"> & {
  /** It is summarized or archived and no longer changes. */
  complete: boolean;
};

/** Parameters of the list, and `ids`: sessions that match all of them. */
export type SessionFilter = QueryOf<SessionSelection>;
type ExportFormat = "json" | "markdown" | "tar";

export type Sessions = {
  list(query?: QueryOf<SessionListQuery>): Promise<ListOf<"sessions", Session>>;
  /** All pages, newest first. */
  every(query?: QueryOf<SessionListQuery>): AsyncGenerator<Session>;
  get(id: string): Promise<SessionDetail>;
  events(id: string, query?: PageQuery): Promise<ListOf<"events", StoredEvent>>;
  git(
    id: string,
    query?: PageQuery & { match?: readonly GitMatchGrade[] },
  ): Promise<ListOf<"git_activity", SessionGitActivity>>;
  files(id: string, query?: PageQuery & { path?: string }): Promise<ListOf<"files", SessionFile>>;
  /** Idempotent by id. */
  report(report: SessionReport): Promise<Session>;
  /** Fills only what events did not state. */
  backfill(session: BackfillSession): Promise<{ status: "created" | "exists"; session_id: string }>;
  /** At most 10,000. `deleted`: those of `not_found` that were deleted. */
  status(
    ids: readonly string[],
  ): Promise<{ statuses: Record<string, SessionState>; not_found: string[]; deleted: string[] }>;
  edit(id: string, patch: SessionPatch): Promise<Session>;
  /** Resolves with the job that completes the deletion, or null if nothing is left to delete. */
  delete(id: string): Promise<{ job_id: string } | null>;
  reparse(id: string): Promise<{ job_id: string }>;
  /** The whole session as JSON, Markdown or a tar of its files; a stream. */
  export(id: string, format: ExportFormat): Promise<Response>;
  count(filter: SessionFilter): Promise<SessionCounts>;
  /** All that match, by a job; refused if these are more than `expected`. The filter must not be empty. */
  deleteAll(filter: SessionFilter & { expected?: number }): Promise<SessionCounts & { job_id: string }>;
  /** All that match, newest first: JSON by lines, Markdown or a tar; a stream. */
  exportAll(filter: SessionFilter, format: ExportFormat): Promise<Response>;
};

export function createSessions(http: Http): Sessions {
  const path = (id: string) => `/api/sessions/${segment(id)}`;
  return {
    list: (query = {}) => http.json("/api/sessions", { query }),
    every: (query = {}) => everyItem(http, "/api/sessions", "sessions", query),
    get: async (id) => (await http.json<{ session: SessionDetail }>(path(id))).session,
    events: (id, query = {}) => http.json(`${path(id)}/events`, { query }),
    git: (id, query = {}) => http.json(`${path(id)}/git`, { query }),
    files: (id, query = {}) => http.json<Page & { files: SessionFile[] }>(`${path(id)}/files`, { query }),
    report: async (json) => {
      const { session } = await http.json<{ session: Session }>("/api/sessions", { method: "POST", json });
      return session;
    },
    backfill: (json) => http.json("/api/backfill/sessions", { method: "POST", json }),
    status: (session_ids) =>
      http.json("/api/sessions/batch-status", { method: "POST", json: { session_ids } }),
    edit: async (id, json) =>
      (await http.json<{ session: Session }>(path(id), { method: "PATCH", json })).session,
    delete: (id) => http.json(path(id), { method: "DELETE" }),
    reparse: (id) => http.json(`${path(id)}/reparse`, { method: "POST" }),
    export: (id, format) => http.send(`${path(id)}/export`, { query: { format }, timeoutMs: 0 }),
    count: (query) => http.json("/api/sessions/count", { query }),
    deleteAll: (json) => http.json("/api/sessions/delete", { method: "POST", json }),
    exportAll: (filter, format) =>
      http.send("/api/sessions/export", { query: { ...filter, format }, timeoutMs: 0 }),
  };
}
