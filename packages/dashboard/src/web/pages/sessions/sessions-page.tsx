import type { Session } from "@wharf/protocol";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { now } from "../../app/clock.ts";
import { hub } from "../../app/hub.ts";
import { query, setQuery } from "../../app/router.ts";
import { useShortcuts } from "../../app/shortcuts.ts";
import { useKept } from "../../app/use-kept.ts";
import { usePages } from "../../app/use-pages.ts";
import { usePlaces } from "../../app/use-places.ts";
import { type Selection, useSelection } from "../../app/use-selection.ts";
import { dayTitle, startOfDay } from "../../format/days.ts";
import { NewRows } from "../../ui/new-rows.tsx";
import { Badge, Choice, PageHead } from "../../ui/parts.tsx";
import { focusedKey, groupsOf, moveFocus, Rows } from "../../ui/rows.tsx";
import { repositoryName } from "../../ui/session-parts.tsx";
import { SESSION_ROW_HEIGHT } from "../../ui/session-row.tsx";
import { Empty } from "../../ui/states.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { filtersOf, matcherOf, requestOf } from "./filters.ts";
import { SelectableRow } from "./selectable-row.tsx";
import { SelectionBar } from "./selection-bar.tsx";
import { useLiveSessions } from "./use-live-sessions.ts";

const GROUPS = [
  { value: "day", text: "By day" },
  { value: "repository", text: "By repository" },
  { value: "device", text: "By device" },
] as const;
type Group = (typeof GROUPS)[number]["value"];

/** All sessions of all machines, newest first. */
export function SessionsPage(): JSX.Element {
  const filters = filtersOf(query.value);
  const group = GROUPS.find(({ value }) => value === query.value.get("group"))?.value ?? "day";
  const places = usePlaces();
  const list = useRef<HTMLDivElement>(null);
  const today = startOfDay(now.value).getTime();
  const pages = usePages(`sessions ${today} ${JSON.stringify(filters)}`, async (cursor) => {
    const { sessions, next_cursor } = await hub.sessions.list({ ...requestOf(filters, today), cursor });
    return { items: sessions, next: next_cursor };
  });
  const kept = useKept(pages);
  const live = useLiveSessions(kept.items, matcherOf(filters, today), pages.reload);
  const key = (session: Session) => groupOf(session, group, today);
  const shown = groupsOf(live.sessions ?? [], key)
    .flatMap(([, sessions]) => sessions)
    .filter(({ id }) => !live.isDeleted(id));
  const selection = useSelection(
    JSON.stringify(filters),
    shown.map(({ id }) => id),
  );
  useShortcuts([
    { keys: "x", label: "Select the row", run: () => toggleFocused(list.current, selection) },
    { keys: "X", label: "Select all rows shown", run: selection.selectShown },
  ]);
  const tags = [...new Set(pages.items?.flatMap((session) => session.tags))].sort();

  return (
    <>
      <PageHead title="Sessions">
        <Choice
          label="Group"
          values={GROUPS}
          value={group}
          onChange={(value) => setQuery({ group: value === "day" ? null : value })}
        />
      </PageHead>
      <FilterBar filters={filters} places={places} tags={tags} onDown={() => moveFocus(list.current, 1)} />
      <NewRows count={live.newCount} one="new session" onShow={live.show} />
      <div ref={list} class={kept.isOutdated ? "outdated" : undefined} aria-busy={kept.isOutdated}>
        <Rows
          label="Sessions"
          pages={{ ...kept, items: live.sessions }}
          rowHeight={SESSION_ROW_HEIGHT}
          keyOf={({ id }) => id}
          groupOf={key}
          row={(session) =>
            live.isDeleted(session.id) ? (
              <p class="row session-row faint">
                <span>
                  <Badge tone="quiet">deleted</Badge> {session.title}
                </span>
              </p>
            ) : (
              <SelectableRow session={session} selection={selection} withDay={group !== "day"} />
            )
          }
          empty={<NoSessions isFiltered={Object.keys(filters).length > 0} />}
        />
        <SelectionBar
          key={JSON.stringify(filters)}
          selection={selection}
          sessions={shown}
          filter={Object.keys(filters).length === 0 ? null : requestOf(filters, today)}
          hasMore={kept.loadMore !== null}
        />
      </div>
    </>
  );
}

function toggleFocused(list: HTMLElement | null, selection: Selection): void {
  const id = focusedKey(list);
  if (id !== null) selection.toggle(id);
}

function NoSessions({ isFiltered }: { isFiltered: boolean }): JSX.Element {
  return isFiltered ? (
    <Empty title="No session matches.">
      <p>
        Remove a filter, or <a href="/sessions">show all sessions</a>.
      </p>
    </Empty>
  ) : (
    <Empty title="No sessions yet.">
      <p>
        They appear here when an agent starts on a connected machine. <a href="/setup">Connect a machine</a>.
      </p>
    </Empty>
  );
}

function groupOf({ started_at, workspace_name, device_name }: Session, group: Group, today: number): string {
  if (group === "repository") return repositoryName(workspace_name);
  return group === "device" ? device_name : dayTitle(started_at, today);
}
