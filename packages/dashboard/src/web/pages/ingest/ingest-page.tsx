import type { IngestHealth } from "@wharf/protocol";
import type { JSX } from "preact";
import { now } from "../../app/clock.ts";
import { hub } from "../../app/hub.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { useReload } from "../../app/use-reload.ts";
import { bytesText, counted, countText } from "../../format/numbers.ts";
import { clockText, durationText } from "../../format/times.ts";
import { Held } from "../../ui/held.tsx";
import { Age, PageHead, Stat } from "../../ui/parts.tsx";
import { Empty, Loaded } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { skewText } from "../devices/device-parts.tsx";
import { NOTES_MS, Notes } from "./notes.tsx";

const MINUTE_MS = 60_000;

type DeviceIngest = IngestHealth["devices"][number];

/** What arrives, how late, and what was refused, in the last hour. */
export function IngestPage(): JSX.Element {
  const health = useQuery("ingest-health", () => hub.ingest.health());
  useLiveReload(["event"], health);
  useReload(health, NOTES_MS);
  return (
    <>
      <PageHead title="Ingest" note="What arrived in the last hour, how late, and what was refused." />
      <Loaded query={health}>{(found) => <HealthView health={found} />}</Loaded>
      <Notes />
    </>
  );
}

function HealthView({ health }: { health: IngestHealth }): JSX.Element {
  const { minutes, rejected, devices, projections, process: own } = health;
  const events = minutes.reduce((sum, minute) => sum + minute.events, 0);
  const late = projections.failed + projections.set_aside;
  return (
    <>
      <div class="stats">
        <Stat name="events in the last hour">{countText(events)}</Stat>
        <Stat name="refused">{countText(rejected)}</Stat>
        <Stat name="waiting to be processed" note={late > 0 ? `${countText(late)} failed` : undefined}>
          {countText(projections.waiting)}
        </Stat>
        <Stat name="waiting to be written" note={bytesText(own.queue.bytes)}>
          {countText(own.queue.events)}
        </Stat>
        <Minutes health={health} />
      </div>
      {projections.reasons.length > 0 && (
        <div class="note error">
          <p>Processing these events failed; they are retried:</p>
          <ul class="plain">
            {projections.reasons.map(({ reason, events: count }) => (
              <li key={reason}>
                {counted(count, "event")}: {reason}
              </li>
            ))}
          </ul>
        </div>
      )}
      <h2>Devices</h2>
      {devices.length === 0 ? (
        <Empty title="No event arrived in the last hour." />
      ) : (
        <Held items={devices} keyOf={idOf}>
          {(held) => <Table label="Devices" columns={COLUMNS} rows={held} keyOf={idOf} />}
        </Held>
      )}
    </>
  );
}

function idOf({ device_id }: DeviceIngest): string {
  return device_id;
}

/** One bar for each minute of the hour. */
function Minutes({ health: { minutes, window_minutes } }: { health: IngestHealth }): JSX.Element {
  const byMinute = new Map(minutes.map(({ minute, events }) => [minuteOf(minute), events]));
  const last = Math.max(Math.floor(now.value / MINUTE_MS), ...byMinute.keys());
  const shown = Array.from({ length: window_minutes }, (_, index) => last - window_minutes + 1 + index);
  const most = Math.max(...byMinute.values(), 1);
  return (
    <div class="stat hours">
      <ol aria-label="Events by minute">
        {shown.map((minute) => {
          const events = byMinute.get(minute) ?? 0;
          const start = new Date(minute * MINUTE_MS).toISOString();
          return (
            <li key={minute} class="hours-bar" title={`${clockText(start)}: ${counted(events, "event")}`}>
              <span style={{ height: `${(events / most) * 100}%` }} />
            </li>
          );
        })}
      </ol>
      <span class="stat-name">events by minute, the last {window_minutes} minutes</span>
    </div>
  );
}

function minuteOf(instant: string): number {
  return Math.floor(Date.parse(instant) / MINUTE_MS);
}

const COLUMNS: readonly [Column<DeviceIngest>, ...Column<DeviceIngest>[]] = [
  {
    title: "device",
    cell: ({ device_id, device_name }) => (
      <a href={`/devices/${encodeURIComponent(device_id)}`}>{device_name}</a>
    ),
  },
  { title: "last event", cell: ({ last_event_at }) => <Age at={last_event_at} /> },
  { title: "a minute", isNumber: true, cell: ({ events_per_minute }) => events_per_minute.toFixed(1) },
  { title: "lag, median", isNumber: true, cell: ({ lag_ms_median }) => lagText(lag_ms_median) },
  { title: "lag, longest", isNumber: true, cell: ({ lag_ms_max }) => lagText(lag_ms_max) },
  { title: "clock", isNumber: true, cell: ({ clock_skew_ms }) => clockOf(clock_skew_ms) },
  { title: "refused", isNumber: true, cell: ({ rejected }) => countText(rejected) },
  { title: "flagged", isNumber: true, cell: ({ odd }) => countText(odd) },
];

function clockOf(skewMs: number | null): string {
  return skewMs === null ? "not reported" : (skewText(skewMs) ?? "correct");
}

/** The clock of a device may be ahead. */
function lagText(ms: number): string {
  return ms < 0 ? `${durationText(-ms)} ahead` : durationText(ms);
}
