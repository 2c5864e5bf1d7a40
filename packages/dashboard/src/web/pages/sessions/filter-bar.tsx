import { AGENTS, agentName } from "@wharf/protocol/agent-names";
import { liveStateText, SHOWN_STATES } from "@wharf/protocol/state-words";
import type { JSX } from "preact";
import { setQuery } from "../../app/router.ts";
import type { Places } from "../../app/use-places.ts";
import { instantText } from "../../format/times.ts";
import { PlaceFilters } from "../../ui/place-filters.tsx";
import { SearchBox } from "../../ui/search-box.tsx";
import { type Option, Select } from "../../ui/select.tsx";
import { type FilterWords, suggestFilters } from "../../ui/suggest.ts";
import { filtersOfText, textOf } from "./filter-text.ts";
import { FILTERS, type FilterName, type Filters } from "./filters.ts";

export const DAYS = [
  { value: "1", text: "Today" },
  { value: "7", text: "7 days" },
  { value: "30", text: "30 days" },
  { value: "90", text: "90 days" },
];
/** Filters without a control of their own: addresses of other pages have them. */
const TIMES: readonly { name: FilterName; text: string }[] = [
  { name: "after", text: "started after" },
  { name: "before", text: "started before" },
  { name: "ended_after", text: "ended after" },
  { name: "ended_before", text: "ended before" },
];

/** Search box and controls; both change the address. */
export function FilterBar({
  filters,
  places,
  tags,
  onDown,
}: {
  filters: Filters;
  places: Places | null;
  tags: readonly string[];
  /** The key to the first row. */
  onDown: () => void;
}): JSX.Element {
  const text = textOf(filters, places);
  const tagOptions = tags.map((tag) => ({ value: tag, text: tag }));
  return (
    <div class="list-filters">
      <SearchBox
        label="Search sessions"
        placeholder="Words, “a phrase”, device:laptop, state:working, file:src/app.ts …"
        text={text}
        isSame={(typed) => textOf(filtersOfText(typed, places), places) === text}
        onSearch={(typed) => replace(filtersOfText(typed, places), filters)}
        onDown={onDown}
        suggest={(typed) => (typed.trim() === "" ? [] : suggestFilters(typed, wordsOf(places, tags)))}
      />
      <div class="filter-controls">
        <PlaceFilters
          places={places}
          workspaceId={filters.workspace_id ?? ""}
          deviceId={filters.device_id ?? ""}
          onChange={setQuery}
        />
        <Select
          label="Agent"
          any="All agents"
          value={filters.agent ?? ""}
          options={AGENTS.map((agent) => ({ value: agent, text: agentName(agent) }))}
          onChange={(agent) => setQuery({ agent })}
        />
        <Select
          label="State"
          any="All states"
          value={filters.live_state ?? ""}
          options={stateOptions(filters.live_state)}
          onChange={(live_state) => setQuery({ live_state })}
        />
        <Select
          label="Days"
          any="Any time"
          value={filters.days ?? ""}
          options={DAYS}
          onChange={(days) => setQuery({ days, after: null })}
        />
        {(tagOptions.length > 0 || filters.tag !== undefined) && (
          <Select
            label="Tag"
            any="All tags"
            value={filters.tag ?? ""}
            options={tagOptions}
            onChange={(tag) => setQuery({ tag })}
          />
        )}
        {TIMES.map(({ name, text: bound }) => {
          const at = filters[name];
          if (at === undefined) return null;
          const isInstant = !Number.isNaN(Date.parse(at));
          return (
            <button key={name} type="button" class="chosen" onClick={() => setQuery({ [name]: null })}>
              {bound} {isInstant ? instantText(at) : at} <span class="visually-hidden">(remove)</span> ×
            </button>
          );
        })}
        {Object.keys(filters).length > 0 && (
          <button type="button" class="link" onClick={() => replace({}, filters)}>
            Clear filters
          </button>
        )}
      </div>
    </div>
  );
}

/** Other pages lead here with several states. */
function stateOptions(chosen = ""): Option[] {
  const options = SHOWN_STATES.map((state) => ({ value: state, text: liveStateText(state) }));
  const several = options.filter(({ value }) => chosen.split(",").includes(value));
  if (several.length < 2) return options;
  return [...options, { value: chosen, text: several.map(({ text }) => text).join(" or ") }];
}

function wordsOf(places: Places | null, tags: readonly string[]): FilterWords {
  return {
    workspace: places?.workspaces.map(({ display_name }) => display_name) ?? [],
    device: places?.devices.map(({ name }) => name) ?? [],
    agent: AGENTS,
    state: SHOWN_STATES.map((state) => liveStateText(state)),
    tag: tags,
    days: DAYS.map(({ value }) => value),
    model: [],
    tool: [],
    file: [],
  };
}

/** What the box does not show stays: it is about the end of sessions. */
function replace(next: Filters, before: Filters): void {
  const isCleared = Object.keys(next).length === 0;
  const kept = isCleared ? {} : { ended_after: before.ended_after, ended_before: before.ended_before };
  setQuery(
    Object.fromEntries(FILTERS.map((name) => [name, next[name] ?? kept[name as "ended_after"] ?? null])),
  );
}
