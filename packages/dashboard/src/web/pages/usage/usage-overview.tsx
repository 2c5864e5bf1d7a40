import type { Usage, UsageRow } from "@wharf/protocol";
import { agentName } from "@wharf/protocol/agent-names";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { SUMS_INTERVAL_MS, useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { clockText, dayText, shortDayText } from "../../format/times.ts";
import { SERIES_MAX } from "../../ui/bar-plot.tsx";
import { Empty, Loaded } from "../../ui/states.tsx";
import {
  type Slot,
  slotKey,
  slotsOf,
  type UsageFilters,
  usageHref,
  usageRequestOf,
} from "./usage-filters.ts";
import { UsagePlot } from "./usage-plot.tsx";
import { Unpriced, UsageStats } from "./usage-stats.tsx";
import type { Measure } from "./usage-sums.ts";
import { UsageTable } from "./usage-table.tsx";

/** What the page reads for one selection. */
export type Overview = {
  group: "day" | "hour";
  slots: readonly Slot[];
  rows: readonly UsageRow[];
  /** By day or hour, of the models that cost most. */
  ofModels: readonly { model: string; rows: readonly UsageRow[] }[];
  models: Usage;
  workspaces: readonly UsageRow[];
  devices: readonly UsageRow[];
  agents: readonly UsageRow[];
};

/** Sums of a range: by day and model, and by what they belong to. */
export function UsageOverview({
  filters,
  measure,
  today,
}: {
  filters: UsageFilters;
  measure: Measure;
  /** Of the browser's day, so that a range of days moves with it. */
  today: number;
}): JSX.Element {
  const { measure: _, ...selected } = filters;
  const query = useQuery(`usage ${today} ${JSON.stringify(selected)}`, () => readOverview(filters));
  useLiveReload(["session"], query, { intervalMs: SUMS_INTERVAL_MS });
  return (
    <Loaded query={query} rows={8}>
      {(overview) =>
        overview.rows.length === 0 ? (
          <Empty title="No response of a model in this range.">
            <p>
              Choose a longer range or fewer filters. Tokens come from transcripts, which{" "}
              <a href="/setup">connected machines</a> send.
            </p>
          </Empty>
        ) : (
          <Sections overview={overview} filters={filters} measure={measure} />
        )
      }
    </Loaded>
  );
}

async function readOverview(filters: UsageFilters): Promise<Overview> {
  const nowMs = Date.now();
  const request = usageRequestOf(filters, nowMs);
  const { group, slots } = slotsOf(filters, nowMs);
  const read = (by: string, model?: string) =>
    hub.usage({ ...request, group: by, ...(model === undefined ? {} : { model }) });
  const [{ rows }, models, workspaces, devices, agents] = await Promise.all([
    read(group),
    read("model"),
    read("workspace"),
    read("device"),
    read("agent"),
  ]);
  const shown = models.rows.flatMap(({ key }) => key ?? []).slice(0, SERIES_MAX - 1);
  const ofModels = await Promise.all(
    shown.map(async (model) => ({ model, rows: (await read(group, model)).rows })),
  );
  return {
    group,
    slots,
    rows,
    ofModels,
    models,
    workspaces: workspaces.rows,
    devices: devices.rows,
    agents: agents.rows,
  };
}

export type Shown = { overview: Overview; filters: UsageFilters; measure: Measure };

function Sections({ overview, filters, measure }: Shown): JSX.Element {
  const { group, models, workspaces, devices, agents } = overview;
  const sessionsOf = (changes: UsageFilters) => usageHref(filters, { ...changes, show: "sessions" });
  const slots = new Map(overview.slots.map((slot) => [slot.key, slot]));
  const slotOf = (row: UsageRow) => slots.get(slotKey(row.key ?? "", group));
  const parts = [
    { of: "Model", filter: "model", rows: models.rows },
    { of: "Repository", filter: "workspace_id", rows: workspaces },
    { of: "Device", filter: "device_id", rows: devices },
    { of: "Agent", filter: "agent", rows: agents },
  ] as const;
  return (
    <>
      <UsageStats overview={overview} to={sessionsOf({})} />
      <Unpriced models={models} />
      <UsagePlot overview={overview} filters={filters} measure={measure} />
      <UsageTable
        title={group === "day" ? "By day" : "By hour"}
        first={group === "day" ? "Day" : "Hour"}
        file={`usage-by-${group}`}
        rows={overview.rows.toReversed()}
        measure={measure}
        nameOf={(row) => slotName(slotOf(row), group) ?? row.key ?? ""}
        hrefOf={(row) => {
          const slot = slotOf(row);
          return slot === undefined ? null : sessionsOf({ from: slot.from, to: slot.to });
        }}
      />
      {parts.map(({ of, filter, rows }) => (
        <UsageTable
          key={of}
          title={`By ${of.toLowerCase()}`}
          first={of}
          file={`usage-by-${of.toLowerCase()}`}
          rows={rows}
          measure={measure}
          nameOf={({ name, key }) => (filter === "agent" ? agentName(key) : (name ?? key ?? "unknown"))}
          hrefOf={({ key }) => (key === null ? null : sessionsOf({ [filter]: key }))}
        />
      ))}
    </>
  );
}

function slotName(slot: Slot | undefined, group: "day" | "hour"): string | null {
  if (slot === undefined) return null;
  const at = slot.at.toISOString();
  return group === "day" ? dayText(at) : `${shortDayText(at)} ${clockText(at)}`;
}
