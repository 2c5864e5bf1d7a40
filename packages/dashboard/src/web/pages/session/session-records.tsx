import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { type PagesState, usePages } from "../../app/use-pages.ts";
import { Age } from "../../ui/parts.tsx";
import { ErrorNote, Skeleton } from "../../ui/states.tsx";

const PAGE = 100;

/** The jobs of the hub that handle a session, newest first. */
export function JobList({ sessionId }: { sessionId: string }): JSX.Element {
  const pages = usePages(`jobs of ${sessionId}`, async (cursor) => {
    const query = { concurrency_key: sessionId, limit: PAGE, ...(cursor === null ? {} : { cursor }) };
    const { jobs, next_cursor } = await hub.jobs.list(query);
    return { items: jobs, next: next_cursor };
  });
  return (
    <Records
      pages={pages}
      empty="None is kept."
      row={(job) => (
        <li key={job.id}>
          <a href={`/jobs/${job.id}`}>{job.type}</a> <span class="faint">{job.state}</span>
        </li>
      )}
    />
  );
}

/** What a session's device sent of it, oldest first. */
export function EventList({ sessionId }: { sessionId: string }): JSX.Element {
  const pages = usePages(`events of ${sessionId}`, async (cursor) => {
    const query = { limit: PAGE, ...(cursor === null ? {} : { cursor }) };
    const { events, next_cursor } = await hub.sessions.events(sessionId, query);
    return { items: events, next: next_cursor };
  });
  return (
    <Records
      pages={pages}
      empty="None was sent."
      row={(event) => (
        <li key={event.id}>
          <code>{event.type}</code>{" "}
          <span class="faint">
            <Age at={event.timestamp} />
          </span>
        </li>
      )}
    />
  );
}

/** A short list in pages; a button at its end reads the next one. */
export function Records<T>({
  pages: { items, error, loadMore, reload },
  row,
  empty,
}: {
  pages: PagesState<T>;
  row: (item: T) => JSX.Element;
  empty: string;
}): JSX.Element {
  return (
    <>
      {items === null && error === null && <Skeleton rows={1} />}
      {items?.length === 0 && loadMore === null && <p class="faint">{empty}</p>}
      <ul class="plain">{items?.map(row)}</ul>
      {error !== null && <ErrorNote error={error} onRetry={loadMore ?? reload} />}
      {error === null && loadMore !== null && (
        <button type="button" class="link" onClick={loadMore}>
          Show more
        </button>
      )}
    </>
  );
}
