import { AGENTS, agentName } from "@wharf/protocol/agent-names";
import type { JSX } from "preact";
import { now } from "../../app/clock.ts";
import { query, setQuery } from "../../app/router.ts";
import { useModels } from "../../app/use-models.ts";
import { usePlaces } from "../../app/use-places.ts";
import { instantOf, startOfDay } from "../../format/days.ts";
import { instantText, shortDayText } from "../../format/times.ts";
import { Choice, PageHead } from "../../ui/parts.tsx";
import { PlaceFilters } from "../../ui/place-filters.tsx";
import { Select } from "../../ui/select.tsx";
import { DEFAULT_DAYS, type UsageFilters, usageFiltersOf } from "./usage-filters.ts";
import { UsageOverview } from "./usage-overview.tsx";
import { UsageSessions } from "./usage-sessions.tsx";
import { MEASURES } from "./usage-sums.ts";

const RANGES = [
  { value: "1", text: "Today" },
  { value: "7", text: "7 days" },
  { value: "30", text: "30 days" },
  { value: "90", text: "90 days" },
  { value: "365", text: "Year" },
];

/** Tokens and cost, and the sessions behind each sum. */
export function UsagePage(): JSX.Element {
  const filters = usageFiltersOf(query.value);
  const measure = filters.measure === "tokens" ? "tokens" : "cost";
  const shown = { filters, measure, today: startOfDay(now.value).getTime() } as const;
  return (
    <>
      <PageHead title="Usage" note={rangeText(filters)}>
        <Choice
          label="Measure"
          values={MEASURES}
          value={measure}
          onChange={(value) => setQuery({ measure: value === "cost" ? null : value })}
        />
        <Choice
          label="Range"
          values={RANGES}
          value={filters.from === undefined ? (filters.days ?? DEFAULT_DAYS) : ""}
          onChange={(days) => setQuery({ days: days === DEFAULT_DAYS ? null : days, from: null, to: null })}
        />
      </PageHead>
      <Controls filters={filters} />
      {filters.show === "sessions" ? <UsageSessions {...shown} /> : <UsageOverview {...shown} />}
    </>
  );
}

function Controls({ filters }: { filters: UsageFilters }): JSX.Element {
  const places = usePlaces();
  const models = useModels();
  const { workspace_id = "", device_id = "", agent = "", model = "", from } = filters;
  return (
    <div class="list-filters filter-controls">
      <PlaceFilters places={places} workspaceId={workspace_id} deviceId={device_id} onChange={setQuery} />
      <Select
        label="Agent"
        any="All agents"
        value={agent}
        options={AGENTS.map((value) => ({ value, text: agentName(value) }))}
        onChange={(value) => setQuery({ agent: value })}
      />
      <Select
        label="Model"
        any="All models"
        value={model}
        options={models.map((name) => ({ value: name, text: name }))}
        onChange={(value) => setQuery({ model: value })}
      />
      {from !== undefined && (
        <button type="button" class="chosen" onClick={() => setQuery({ from: null, to: null })}>
          {rangeText(filters)} <span class="visually-hidden">(remove)</span> ×
        </button>
      )}
    </div>
  );
}

/** The range of an address with `from`; empty for one of the choices. */
function rangeText({ from, to }: UsageFilters): string {
  if (from === undefined) return "";
  const start = instantOf(from);
  if (Number.isNaN(start.getTime())) return "";
  if (to === undefined) return `since ${boundText(from)}`;
  const lastDay = startOfDay(instantOf(to).getTime(), 1);
  if (from.length === to.length && !from.includes("T"))
    return lastDay.getTime() <= start.getTime()
      ? boundText(from)
      : `${boundText(from)} – ${shortDayText(lastDay.toISOString())}`;
  return `${boundText(from)} – ${boundText(to)}`;
}

function boundText(bound: string): string {
  const at = instantOf(bound).toISOString();
  return bound.includes("T") ? instantText(at) : shortDayText(at);
}
