import type { JSX } from "preact";
import { canChange, hub } from "../../app/hub.ts";
import { act } from "../../app/toasts.tsx";
import { counted } from "../../format/numbers.ts";
import { ConfirmButton } from "../../ui/dialog.tsx";
import { bulkFilter, type JobFilter } from "./job-filter.ts";
import { isEnded } from "./job-parts.tsx";

/** One action on all jobs that match, with their number; never on the shown rows alone. */
export function BulkActions({
  filter,
  total,
  onDone,
}: {
  filter: JobFilter;
  /** Of the selected state; null if none is selected. */
  total: number | null;
  onDone: () => void;
}): JSX.Element | null {
  const { state } = filter;
  if (state === null || state === "completed" || !total || !canChange()) return null;
  const isRetry = isEnded({ state });
  const matching = `${counted(total, "job")} in state ${state}`;
  const name = `${isRetry ? "Retry" : "Cancel"} all ${counted(total, "job")}`;

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
          This applies to all {matching} that match the filter
          {filter.queue === "" ? " in all queues but that of housekeeping" : ` in queue ${filter.queue}`}
          {filter.type !== "" && ` of type ${filter.type}`}, also to those that are not shown.
        </p>
      </ConfirmButton>
    </p>
  );
}
