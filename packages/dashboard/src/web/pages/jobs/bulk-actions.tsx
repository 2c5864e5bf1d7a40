import type { JobCounts, JobState } from "@wharf/protocol";
import type { JSX } from "preact";
import { canChange, hub } from "../../app/hub.ts";
import { act } from "../../app/toasts.tsx";
import { counted, countText } from "../../format/numbers.ts";
import { ConfirmButton } from "../../ui/dialog.tsx";
import { bulkFilter, type JobFilter } from "./job-filter.ts";
import { isEnded } from "./job-parts.tsx";

/** One action on all jobs that match, with their number; never on the shown rows alone. */
export function BulkActions({
  filter,
  found,
  onDone,
}: {
  filter: JobFilter;
  /** How many are in the selected state; undefined if none is selected. */
  found: JobCounts[JobState];
  onDone: () => void;
}): JSX.Element | null {
  const { state } = filter;
  if (state === null || state === "completed" || !found?.count || !canChange()) return null;
  const isRetry = isEnded({ state });
  const jobs = found.is_capped ? `${countText(found.count)}+ jobs` : counted(found.count, "job");
  const name = `${isRetry ? "Retry" : "Cancel"} all ${jobs}`;

  const run = async () => {
    const body = bulkFilter(filter, state);
    const action = isRetry ? () => hub.jobs.retryAll(body) : () => hub.jobs.cancelAll(body);
    if (await act(action, isRetry ? "The jobs run again." : "The jobs are cancelled.")) onDone();
  };

  return (
    <p class="actions">
      <ConfirmButton
        text={name}
        class={isRetry ? undefined : "danger"}
        title={`${name}?`}
        action={name}
        onConfirm={() => void run()}
      >
        <p>
          This applies to all {jobs} in state {state} that match the filter
          {filter.queue === "" ? " in all queues but that of housekeeping" : ` in queue ${filter.queue}`}
          {filter.type !== "" && ` of type ${filter.type}`}, also to those that are not shown.
        </p>
      </ConfirmButton>
    </p>
  );
}
