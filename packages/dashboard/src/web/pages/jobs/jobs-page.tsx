import type { ListedJob } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { href, setQuery } from "../../app/router.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { usePages } from "../../app/use-pages.ts";
import { useQuery } from "../../app/use-query.ts";
import { countText } from "../../format/numbers.ts";
import { Age, PageHead } from "../../ui/parts.tsx";
import { Rows } from "../../ui/rows.tsx";
import { Empty } from "../../ui/states.tsx";
import { BulkActions } from "./bulk-actions.tsx";
import { currentFilter, type JobFilter, listQuery } from "./job-filter.ts";
import { JobBadge, STATES } from "./job-parts.tsx";
import { Queues } from "./queues.tsx";
import { Schedules } from "./schedules.tsx";

const ROW_PX = 52;

/** States with their counts, queues, the jobs that match, and schedules. */
export function JobsPage(): JSX.Element {
  const filter = currentFilter();
  const { state, ...unstated } = filter;
  const key = JSON.stringify(filter);
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
  const total = state === null ? null : (counts.data?.[state]?.count ?? 0);

  return (
    <>
      <PageHead title="Jobs" note="What the hub does in the background, and why a job waits." />
      <nav class="tabs" aria-label="States">
        <a
          href={href("/jobs", listQuery({ ...filter, state: null }))}
          aria-current={state === null ? "page" : undefined}
        >
          all
        </a>
        {STATES.map((one) => {
          const found = counts.data?.[one];
          return (
            <a
              key={one}
              class={one === "dead" && (found?.count ?? 0) > 0 ? "bad" : undefined}
              href={href("/jobs", listQuery({ ...filter, state: one }))}
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
      <Queues queues={queues} selected={filter.queue} />
      <Filters filter={filter} />
      <BulkActions filter={filter} total={total} onDone={pages.reload} />
      <Rows
        pages={pages}
        label="Jobs"
        rowHeight={ROW_PX}
        keyOf={({ id }) => id}
        row={(job) => <JobRow job={job} />}
        empty={<Empty title="No job matches." />}
      />
      <Schedules />
    </>
  );
}

function JobRow({ job }: { job: ListedJob }): JSX.Element {
  const { id, type, queue, attempts, max_attempts, last_error, waiting, progress } = job;
  const doing =
    progress === null ? null : (progress.message ?? `${progress.current} of ${progress.total ?? "?"}`);
  return (
    <a class="row job-row" href={`/jobs/${id}`}>
      <span>
        <JobBadge state={job.state} />
      </span>
      <span class="two-lines">
        <strong class="cut">{type}</strong>
        <span class="faint cut">{waiting?.detail ?? last_error ?? doing ?? `queue ${queue}`}</span>
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
          Show all queues and types
        </button>
      )}
    </form>
  );
}
