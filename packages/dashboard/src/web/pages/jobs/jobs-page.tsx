import type { ListedJob, Queue } from "@wharf/protocol";
import { HOUSEKEEPING_QUEUE } from "@wharf/protocol/queues";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { setQuery } from "../../app/router.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { usePages } from "../../app/use-pages.ts";
import { useQuery } from "../../app/use-query.ts";
import { countText } from "../../format/numbers.ts";
import { HeldRows } from "../../ui/held.tsx";
import { Age, Choice, PageHead } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import { BulkActions } from "./bulk-actions.tsx";
import { currentFilter, type JobFilter, jobsHref, listQuery } from "./job-filter.ts";
import { JobBadge, progressText, STATES } from "./job-parts.tsx";
import { Queues } from "./queues.tsx";
import { Schedules } from "./schedules.tsx";

const ROW_PX = 52;

/** States with their counts, queues, the jobs that match, and schedules. */
export function JobsPage(): JSX.Element {
  const filter = currentFilter();
  const { state, ...unstated } = filter;
  const key = JSON.stringify(filter);
  const isHousekeeping = filter.queue === HOUSEKEEPING_QUEUE;
  const counts = useQuery(`job-counts ${JSON.stringify(unstated)}`, () =>
    hub.jobs.counts(listQuery({ ...filter, state: null })),
  );
  const pages = usePages(`jobs ${key}`, async (cursor) => {
    const { jobs, next_cursor } = await hub.jobs.list({ ...listQuery(filter), cursor });
    return { items: jobs, next: next_cursor };
  });
  const queues = useQuery("queues", () => hub.jobs.queues());
  useLiveReload(["job"], counts);
  useLiveReload(["job"], queues);
  useLiveReload(["job"], pages);

  return (
    <>
      <PageHead title="Jobs" note="What the hub does in the background, and why a job waits.">
        <Choice
          label="Which jobs"
          values={[
            { value: "", text: "Jobs" },
            { value: HOUSEKEEPING_QUEUE, text: housekeepingText(queues.data) },
          ]}
          value={isHousekeeping ? HOUSEKEEPING_QUEUE : ""}
          onChange={(queue) => setQuery({ queue, status: null, type: null })}
        />
      </PageHead>
      <nav class="tabs" aria-label="States">
        <a href={jobsHref({ ...filter, state: null })} aria-current={state === null ? "page" : undefined}>
          all
        </a>
        {STATES.map((one) => {
          const found = counts.data?.[one];
          return (
            <a
              key={one}
              class={one === "dead" && (found?.count ?? 0) > 0 ? "bad" : undefined}
              href={jobsHref({ ...filter, state: one })}
              aria-current={state === one ? "page" : undefined}
            >
              {one}{" "}
              <span class="faint">
                {found === undefined ? "" : `${countText(found.count)}${found.is_capped ? "+" : ""}`}
              </span>
            </a>
          );
        })}
      </nav>
      {isHousekeeping && state === null && <Schedules />}
      {!isHousekeeping && <Queues queues={queues} selected={filter.queue} />}
      <Filters filter={filter} />
      <BulkActions
        filter={filter}
        found={state === null ? undefined : counts.data?.[state]}
        onDone={pages.reload}
      />
      <HeldRows
        key={key}
        pages={pages}
        label="Jobs"
        rowHeight={ROW_PX}
        keyOf={({ id }) => id}
        row={(job) => <JobRow job={job} />}
        empty={<Empty title="No job matches." />}
      />
    </>
  );
}

/** What fails there must not stay hidden. */
function housekeepingText(queues: readonly Queue[] | null): string {
  const dead = queues?.find(({ name }) => name === HOUSEKEEPING_QUEUE)?.dead ?? 0;
  return dead === 0 ? "Housekeeping" : `Housekeeping (${countText(dead)} dead)`;
}

function JobRow({ job }: { job: ListedJob }): JSX.Element {
  const { id, type, queue, concurrency_key, attempts, max_attempts, last_error, waiting, progress } = job;
  const of = concurrency_key === null || concurrency_key === type ? `queue ${queue}` : concurrency_key;
  const doing = progress !== null && job.state === "running" ? progressText(progress) : null;
  return (
    <a class="row job-row" href={`/jobs/${id}`}>
      <span>
        <JobBadge state={job.state} />
      </span>
      <span class="two-lines">
        <strong class="cut">{type}</strong>
        <span class="faint cut">{waiting?.detail ?? last_error ?? doing ?? of}</span>
      </span>
      <span class="faint number">{attempts > 0 && `${attempts} of ${max_attempts} attempts failed`}</span>
      <span class="faint number">#{id}</span>
      <span class="faint number">
        <Age at={job.updated_at} />
      </span>
    </a>
  );
}

function Filters({ filter }: { filter: JobFilter }): JSX.Element {
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <label>
        Type
        <input
          name="type"
          value={filter.type}
          placeholder="parse-transcript"
          onChange={(event) => setQuery({ type: event.currentTarget.value.trim() })}
        />
      </label>
      {(filter.queue !== "" || filter.type !== "") && (
        <button type="button" onClick={() => setQuery({ queue: null, type: null })}>
          Show all jobs
        </button>
      )}
    </form>
  );
}
