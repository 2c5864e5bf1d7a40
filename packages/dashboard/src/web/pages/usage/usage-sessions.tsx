import type { UsageRow } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { SUMS_INTERVAL_MS, useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { counted } from "../../format/numbers.ts";
import { Cost } from "../../ui/cost.tsx";
import { sessionHref } from "../../ui/session-parts.tsx";
import { Empty, Loaded } from "../../ui/states.tsx";
import { type UsageFilters, usageHref, usageRequestOf } from "./usage-filters.ts";
import { type Measure, sumOf } from "./usage-sums.ts";
import { UsageTable } from "./usage-table.tsx";

/** The sessions behind a sum, each with its part of it. */
export function UsageSessions({
  filters,
  measure,
  today,
}: {
  filters: UsageFilters;
  measure: Measure;
  today: number;
}): JSX.Element {
  const { measure: _, ...selected } = filters;
  const query = useQuery(`usage-sessions ${today} ${JSON.stringify(selected)}`, () =>
    hub.usage({ ...usageRequestOf(filters, Date.now()), group: "session" }),
  );
  useLiveReload(["session"], query, { intervalMs: SUMS_INTERVAL_MS });
  return (
    <>
      <p>
        <a href={usageHref(filters, { show: "" })}>← Sums of this selection</a>
      </p>
      <Loaded query={query} rows={8}>
        {({ rows, is_truncated }) =>
          rows.length === 0 ? (
            <Empty title="No session has a response in this selection." />
          ) : (
            <>
              <Summary rows={rows} isTruncated={is_truncated} />
              <UsageTable
                title="Sessions"
                first="Session"
                file="usage-by-session"
                rows={rows}
                measure={measure}
                nameOf={({ name, key }) => name ?? key ?? ""}
                hrefOf={({ key }) => (key === null ? null : sessionHref(key))}
              />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function Summary({ rows, isTruncated }: { rows: readonly UsageRow[]; isTruncated: boolean }): JSX.Element {
  const { cost_usd, cost_is_partial } = sumOf(rows);
  const count = counted(rows.length, "session");
  return (
    <p>
      {isTruncated ? `The ${count} that cost most: ` : `${count}, `}
      <Cost usd={cost_usd} isPartial={cost_is_partial} />
      {isTruncated ? ". There are more." : " within this selection."}
    </p>
  );
}
