import type {
  ApiKey,
  CreatedKey,
  Device,
  DeviceRow,
  Enrolment,
  EnrolmentCode,
  Job,
  JobCounts,
  JobDetail,
  JobFilterRequest,
  JobListQuery,
  JobLogLine,
  KeyAudit,
  KeyScope,
  ListedJob,
  NextDeletion,
  Queue,
  Schedule,
  SendDeviceReport,
  Session,
  Workspace,
  WorkspaceDevice,
} from "@wharf/protocol";
import type { Http } from "./http.ts";
import { type ListOf, type QueryOf, segment } from "./lists.ts";

type PageQuery = { limit?: number; cursor?: string };

export type NewKey = {
  scope: KeyScope;
  name?: string;
  /** An ingest key for one device alone. */
  device_id?: string;
  expires_at?: string;
};

export type DeviceDetail = {
  device: Device;
  workspaces: (WorkspaceDevice & Pick<Workspace, "id" | "canonical_id" | "display_name">)[];
  recent_sessions: Session[];
  /** Files that its agents delete next, of those that the hub holds. */
  next_deletions: NextDeletion[];
};

export type NewDevice = {
  code: string;
  name?: string;
  type?: "local" | "remote";
  hostname?: string;
  os?: string;
  arch?: string;
};

/** An enrolment needs no key; changes need an admin key. */
export type Devices = {
  list(query?: PageQuery): Promise<ListOf<"devices", Device>>;
  get(id: string): Promise<DeviceDetail>;
  enrol(device: NewDevice): Promise<Enrolment>;
  /** A code works once, for ten minutes. `device_id`: that device enrols again. */
  createCode(options?: { device_id?: string; read?: boolean }): Promise<EnrolmentCode>;
  rename(id: string, name: string): Promise<DeviceRow>;
  /** Its keys are revoked; its sessions remain. */
  remove(id: string): Promise<null>;
  /** Replaces the report of the device; needs its ingest key. */
  report(report: SendDeviceReport): Promise<null>;
};

export type Keys = {
  list(query?: PageQuery): Promise<ListOf<"keys", ApiKey>>;
  /** The key is in this response alone. */
  create(key: NewKey): Promise<CreatedKey>;
  /** The old key remains valid for `grace_seconds`. */
  rotate(id: string, options?: { grace_seconds?: number }): Promise<CreatedKey>;
  revoke(id: string): Promise<null>;
  /** Who created, rotated and revoked keys, newest first. */
  audit(query?: PageQuery): Promise<ListOf<"audit", KeyAudit>>;
};

export type Jobs = {
  list(query?: QueryOf<JobListQuery>): Promise<ListOf<"jobs", ListedJob>>;
  /** By state, of the jobs that match. */
  counts(query?: QueryOf<JobListQuery>): Promise<JobCounts>;
  get(id: string): Promise<JobDetail>;
  log(id: string, query?: PageQuery): Promise<ListOf<"log", JobLogLine>>;
  retry(id: string): Promise<Job>;
  cancel(id: string, reason?: string): Promise<Job>;
  /** All dead jobs that match; resolves to their number. The filter must not be empty. */
  retryAll(filter: JobFilterRequest): Promise<number>;
  /** All jobs that match and have not ended; resolves to their number. The filter must not be empty. */
  cancelAll(filter: JobFilterRequest, reason?: string): Promise<number>;
  queues(): Promise<Queue[]>;
  /** Its running jobs continue. */
  pauseQueue(name: string, reason?: string): Promise<Queue>;
  resumeQueue(name: string): Promise<Queue>;
  schedules(): Promise<Schedule[]>;
};

export function createDevices(http: Http): Devices {
  const path = (id: string) => `/api/devices/${segment(id)}`;
  return {
    list: (query = {}) => http.json("/api/devices", { query }),
    get: (id) => http.json(path(id)),
    enrol: (json) => http.json("/api/devices/enrol", { method: "POST", json }),
    createCode: (json = {}) => http.json("/api/devices/enrolment-codes", { method: "POST", json }),
    rename: async (id, name) =>
      (await http.json<{ device: DeviceRow }>(path(id), { method: "PATCH", json: { name } })).device,
    remove: (id) => http.json(path(id), { method: "DELETE" }),
    report: (json) => http.json("/api/devices/facts", { method: "POST", json }),
  };
}

export function createKeys(http: Http): Keys {
  return {
    list: (query = {}) => http.json("/api/keys", { query }),
    create: (json) => http.json("/api/keys", { method: "POST", json }),
    rotate: (id, json = {}) => http.json(`/api/keys/${segment(id)}/rotate`, { method: "POST", json }),
    audit: (query = {}) => http.json("/api/keys/audit", { query }),
    revoke: (id) => http.json(`/api/keys/${segment(id)}`, { method: "DELETE" }),
  };
}

export function createJobs(http: Http): Jobs {
  const path = (id: string) => `/api/jobs/${segment(id)}`;
  return {
    list: (query = {}) => http.json("/api/jobs", { query }),
    get: async (id) => (await http.json<{ job: JobDetail }>(path(id))).job,
    log: (id, query = {}) => http.json(`${path(id)}/log`, { query }),
    retry: async (id) => (await http.json<{ job: Job }>(`${path(id)}/retry`, { method: "POST" })).job,
    cancel: async (id, reason) =>
      (await http.json<{ job: Job }>(`${path(id)}/cancel`, { method: "POST", json: { reason } })).job,
    counts: async (query = {}) =>
      (await http.json<{ counts: JobCounts }>("/api/jobs/counts", { query })).counts,
    retryAll: async (json) =>
      (await http.json<{ retried: number }>("/api/jobs/retry", { method: "POST", json })).retried,
    cancelAll: async (filter, reason) =>
      (
        await http.json<{ cancelled: number }>("/api/jobs/cancel", {
          method: "POST",
          json: { ...filter, reason },
        })
      ).cancelled,
    queues: async () => (await http.json<{ queues: Queue[] }>("/api/queues")).queues,
    pauseQueue: async (name, reason) =>
      (
        await http.json<{ queue: Queue }>(`/api/queues/${segment(name)}/pause`, {
          method: "POST",
          json: { reason },
        })
      ).queue,
    resumeQueue: async (name) =>
      (await http.json<{ queue: Queue }>(`/api/queues/${segment(name)}/resume`, { method: "POST" })).queue,
    schedules: async () => (await http.json<{ schedules: Schedule[] }>("/api/schedules")).schedules,
  };
}
