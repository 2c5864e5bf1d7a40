import type { Schedule } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { instantText } from "../../format/times.ts";
import { Age } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";

const COLUMNS: readonly [Column<Schedule>, ...Column<Schedule>[]] = [
  { title: "name", cell: ({ name }) => name },
  {
    title: "cron",
    cell: ({ cron, time_zone }) => (
      <>
        <code>{cron}</code> <span class="faint">{time_zone}</span>
      </>
    ),
  },
  { title: "last", cell: ({ last_at }) => <Age at={last_at} /> },
  {
    title: "next",
    cell: ({ next_at, error }) =>
      error === null ? (
        <time dateTime={next_at}>{instantText(next_at)}</time>
      ) : (
        <span class="bad">{error}</span>
      ),
  },
];

/** Cron expressions with their last and next tick. */
export function Schedules(): JSX.Element {
  const schedules = useQuery("schedules", () => hub.jobs.schedules());
  useLiveReload(["job"], schedules);
  return (
    <section aria-labelledby="schedules">
      <h2 id="schedules">Schedules</h2>
      <Loaded query={schedules} rows={4}>
        {(rows) => <Table label="Ticks" columns={COLUMNS} rows={rows} keyOf={({ name }) => name} />}
      </Loaded>
    </section>
  );
}
