import type { JobFilterRequest, JobState } from "@wharf/protocol";
import { HOUSEKEEPING_QUEUE } from "@wharf/protocol/queues";
import { href, query } from "../../app/router.ts";
import { STATES } from "./job-parts.tsx";

/** `queue` empty: all but that of housekeeping. */
export type JobFilter = { state: JobState | null; queue: string; type: string };

/** The filter that the address holds. */
export function currentFilter(): JobFilter {
  const named = query.value.get("status");
  return {
    state: STATES.find((state) => state === named) ?? null,
    queue: query.value.get("queue") ?? "",
    type: query.value.get("type") ?? "",
  };
}

export function jobsHref({ state, queue, type }: JobFilter): string {
  return href("/jobs", { status: state, queue, type });
}

/** As parameters of a list; empty ones are left out by the client. */
export function listQuery({ state, queue, type }: JobFilter): Record<string, string | null> {
  return { status: state, queue, type, except_queue: queue === "" ? HOUSEKEEPING_QUEUE : null };
}

/** As the body of an action on all jobs that match. */
export function bulkFilter({ queue, type }: JobFilter, state: JobState): JobFilterRequest {
  return {
    status: [state],
    ...(queue === "" ? { except_queue: HOUSEKEEPING_QUEUE } : { queue }),
    ...(type === "" ? {} : { type }),
  };
}
