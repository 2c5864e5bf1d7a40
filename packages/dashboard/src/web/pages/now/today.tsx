import type { UsageRow } from "@wharf/protocol";
import type { JSX } from "preact";
import { now } from "../../app/clock.ts";
import { hub } from "../../app/hub.ts";
import { href } from "../../app/router.ts";
import { SUMS_INTERVAL_MS, useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { costText, counted, shortText } from "../../format/numbers.ts";
import { clockText } from "../../format/times.ts";
import { Cost } from "../../ui/cost.tsx";
import { Stat } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";

const HOUR_MS = 60 * 60 * 1_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS_COMPARED = 7;
const HOURS_SHOWN = 24;

type Sum = { cost: number; isPartial: boolean; tokens: number; responses: number };

/** Cost and tokens of today next to the seven days before at the same hour, and the hours of a day as bars. */
export function Today(): JSX.Element {
  const hour = Math.floor(now.value / HOUR_MS);
  const midnight = new Date(now.value).setHours(0, 0, 0, 0);
  const from = new Date(midnight - DAYS_COMPARED * DAY_MS).toISOString();
  const usage = useQuery(`today ${hour}`, () => hub.usage({ group: "hour", from }));
  useLiveReload(["session"], usage, { intervalMs: SUMS_INTERVAL_MS });
  return (
    <section aria-labelledby="today">
      <h2 id="today">Today</h2>
      <Loaded query={usage} rows={2}>
        {({ rows }) => {
          const { today, before } = compare(rows, midnight, now.value);
          const day = new Date(midnight).toISOString();
          return (
            <div class="stats">
              <Stat
                name="cost"
                href={href("/usage", { from: day })}
                note={`7-day average by this time: ${costText(before.cost)}`}
              >
                <Cost usd={today.cost} isPartial={today.isPartial} />
              </Stat>
              <Stat
                name="tokens"
                href={href("/usage", { from: day })}
                note={`7-day average by this time: ${shortText(before.tokens)}`}
              >
                {shortText(today.tokens)}
              </Stat>
              <Stat
                name="responses"
                href={href("/usage", { from: day })}
                note={`7-day average by this time: ${shortText(Math.round(before.responses))}`}
              >
                {shortText(today.responses)}
              </Stat>
              <Hours rows={rows} hour={hour} />
            </div>
          );
        }}
      </Loaded>
    </section>
  );
}

/** Each hour of the last day; its bar opens the sessions of that hour. */
function Hours({ rows, hour }: { rows: readonly UsageRow[]; hour: number }): JSX.Element {
  const byHour = new Map(rows.map((row) => [Math.floor(Date.parse(row.key ?? "") / HOUR_MS), row]));
  const hours = Array.from({ length: HOURS_SHOWN }, (_, index) => hour - HOURS_SHOWN + 1 + index);
  const most = Math.max(...hours.map((one) => byHour.get(one)?.responses ?? 0), 1);
  return (
    <div class="stat hours">
      <ol aria-label="Responses by hour">
        {hours.map((one) => {
          const count = byHour.get(one)?.responses ?? 0;
          const start = new Date(one * HOUR_MS).toISOString();
          const end = new Date((one + 1) * HOUR_MS).toISOString();
          return (
            <li key={one}>
              <a
                class="hours-bar"
                href={href("/sessions", { after: start, before: end })}
                aria-label={`${clockText(start)}: ${counted(count, "response")}`}
                title={`${clockText(start)}: ${counted(count, "response")}`}
              >
                <span style={{ height: `${(count / most) * 100}%` }} />
              </a>
            </li>
          );
        })}
      </ol>
      <span class="stat-name">responses by hour, the last 24 hours</span>
    </div>
  );
}

/** Today's sum, and the mean of the days before up to the same time of day. */
function compare(rows: readonly UsageRow[], midnight: number, time: number): { today: Sum; before: Sum } {
  const today: Sum = { cost: 0, isPartial: false, tokens: 0, responses: 0 };
  const before: Sum = { cost: 0, isPartial: false, tokens: 0, responses: 0 };
  for (const row of rows) {
    const at = Date.parse(row.key ?? "");
    const isToday = at >= midnight;
    const ofDay = (((at - midnight) % DAY_MS) + DAY_MS) % DAY_MS;
    if (!isToday && ofDay > time - midnight) continue;
    const sum = isToday ? today : before;
    const share = isToday ? 1 : 1 / DAYS_COMPARED;
    sum.cost += (row.cost_usd ?? 0) * share;
    sum.isPartial ||= row.cost_is_partial;
    sum.responses += row.responses * share;
    sum.tokens += (row.tokens_in + row.tokens_out + row.cache_read_tokens + row.cache_write_tokens) * share;
  }
  return { today, before };
}
