import type { Session, TimelineItem } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { now } from "../../app/clock.ts";
import { hub } from "../../app/hub.ts";
import { useLive } from "../../app/live.ts";
import { query, setQuery } from "../../app/router.ts";
import { useKept } from "../../app/use-kept.ts";
import { usePages } from "../../app/use-pages.ts";
import { usePlaces } from "../../app/use-places.ts";
import { dayTitle, startOfDay } from "../../format/days.ts";
import { NewRows } from "../../ui/new-rows.tsx";
import { Choice, PageHead } from "../../ui/parts.tsx";
import { PlaceFilters } from "../../ui/place-filters.tsx";
import { Rows } from "../../ui/rows.tsx";
import { Select } from "../../ui/select.tsx";
import { Empty } from "../../ui/states.tsx";
import { DAYS } from "../sessions/filter-bar.tsx";
import { filtersOf, matcherOf, requestOf } from "../sessions/filters.ts";
import { useLiveSessions } from "../sessions/use-live-sessions.ts";
import { keyOf, TIMELINE_ROW_HEIGHT, TimelineRow } from "./timeline-row.tsx";

const PAGE_ITEMS = 50;
const TYPES = [
  { value: "", text: "Everything" },
  { value: "session", text: "Sessions" },
  { value: "git_activity", text: "Git" },
  { value: "commit", text: "Commits" },
];

/** What happened on all machines, day by day. */
export function TimelinePage(): JSX.Element {
  const { workspace_id, device_id, days, after, before } = filtersOf(query.value);
  const filters = Object.fromEntries(
    Object.entries({ workspace_id, device_id, days, after, before }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  const types = TYPES.find(({ value }) => value === query.value.get("types"))?.value ?? "";
  const today = startOfDay(now.value).getTime();
  const pages = usePages(`timeline ${today} ${types} ${JSON.stringify(filters)}`, async (cursor) => {
    const request = { ...requestOf(filters, today), types, limit: PAGE_ITEMS, cursor };
    const { items, next_cursor } = await hub.timeline(request);
    return { items, next: next_cursor };
  });
  const kept = useKept(pages);
  const sessions = kept.items?.flatMap((item) => (item.type === "session" ? item.session : [])) ?? null;
  const withSessions = types === "" || types === "session";
  const live = useLiveSessions(sessions, withSessions ? matcherOf(filters, today) : null, pages.reload);
  const changed = new Map(live.sessions?.map((session) => [session.id, session]));
  const newGit = useNewGit(pages.first, types !== "session", { workspace_id, device_id });
  const isFiltered = types !== "" || Object.keys(filters).length > 0;

  return (
    <>
      <PageHead title="Timeline" note="Sessions and git activity of all machines.">
        <Choice label="Types" values={TYPES} value={types} onChange={(value) => setQuery({ types: value })} />
      </PageHead>
      <div class="list-filters filter-controls">
        <PlaceFilters
          places={usePlaces()}
          workspaceId={workspace_id ?? ""}
          deviceId={device_id ?? ""}
          onChange={setQuery}
        />
        <Select
          label="Days"
          any="Any time"
          value={days ?? ""}
          options={DAYS}
          onChange={(value) => setQuery({ days: value, after: null })}
        />
      </div>
      <NewRows count={live.newCount + newGit} one="new entry" many="new entries" onShow={live.show} />
      <Rows
        label="Timeline"
        pages={kept}
        rowHeight={TIMELINE_ROW_HEIGHT}
        keyOf={keyOf}
        groupOf={(item) => dayTitle(startOf(item), today)}
        row={(item) => <TimelineRow item={latest(item, changed)} />}
        empty={
          <Empty title={isFiltered ? "Nothing matches." : "Nothing happened yet."}>
            <p>
              {isFiltered ? <a href="/timeline">Show everything</a> : <a href="/setup">Connect a machine</a>}
            </p>
          </Empty>
        }
      />
    </>
  );
}

function startOf(item: TimelineItem): string {
  return item.type === "session" ? item.session.started_at : item.started_at;
}

function latest(item: TimelineItem, changed: ReadonlyMap<string, Session>): TimelineItem {
  if (item.type !== "session") return item;
  return { ...item, session: changed.get(item.session.id) ?? item.session };
}

/** Git activity that arrived since the first page was read. */
function useNewGit(
  first: unknown,
  isShown: boolean,
  places: { workspace_id: string | undefined; device_id: string | undefined },
): number {
  const [seen, setSeen] = useState<{ since: unknown; ids: ReadonlySet<string> }>({
    since: first,
    ids: new Set(),
  });
  const known = seen.since === first ? seen.ids : new Set<string>();
  useLive(["event"], (changes) => {
    const rows = changes
      .flatMap(({ events = [] }) => events)
      .filter(
        ({ type, workspace_id, device_id }) =>
          type.startsWith("git.") &&
          (places.workspace_id ?? workspace_id) === workspace_id &&
          (places.device_id ?? device_id) === device_id,
      );
    if (rows.length > 0) setSeen({ since: first, ids: new Set([...known, ...rows.map(({ id }) => id)]) });
  });
  return isShown ? known.size : 0;
}
