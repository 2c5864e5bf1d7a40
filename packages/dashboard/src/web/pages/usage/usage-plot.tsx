import type { UsageRow } from "@wharf/protocol";
import type { JSX } from "preact";
import { go } from "../../app/router.ts";
import { costText, shortText } from "../../format/numbers.ts";
import { clockText, shortDayText } from "../../format/times.ts";
import { BarPlot, type Series } from "../../ui/bar-plot.tsx";
import { slotKey, usageHref } from "./usage-filters.ts";
import type { Shown } from "./usage-overview.tsx";
import { measureOf } from "./usage-sums.ts";

/** A bar for each day or hour, divided by model; it opens its sessions. */
export function UsagePlot({ overview, filters, measure }: Shown): JSX.Element {
  const { group, slots, rows, ofModels } = overview;
  const valuesOf = (list: readonly UsageRow[]) => {
    const values = new Map(list.map((row) => [slotKey(row.key ?? "", group), measureOf(row, measure)]));
    return slots.map(({ key }) => values.get(key) ?? 0);
  };
  const series: Series[] = ofModels.map((one) => ({ name: one.model, values: valuesOf(one.rows) }));
  const others = valuesOf(rows).map((value, bar) =>
    Math.max(0, value - series.reduce((sum, { values }) => sum + (values[bar] ?? 0), 0)),
  );
  const total = others.reduce((sum, value) => sum + value, 0);
  // What is left of a sum of floating-point numbers is no model.
  const isShown = measure === "cost" ? total >= 0.005 : total >= 1;
  const format = (value: number) => (measure === "cost" ? costText(value) : shortText(value));
  return (
    <BarPlot
      label={`${measure === "cost" ? "Cost" : "Tokens"} by ${group} and model. The table below has the numbers.`}
      names={slots.map((slot) =>
        group === "day" ? shortDayText(slot.at.toISOString()) : clockText(slot.at.toISOString()),
      )}
      series={isShown ? [...series, { name: "other models", values: others }] : series}
      format={format}
      onChoose={(bar) => {
        const slot = slots[bar];
        if (slot !== undefined) go(usageHref(filters, { from: slot.from, to: slot.to, show: "sessions" }));
      }}
    />
  );
}
