import type { GitActivity, Session } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { countText } from "../../format/numbers.ts";
import { BarPlot } from "../../ui/bar-plot.tsx";
import { Cost } from "../../ui/cost.tsx";
import { GitLine } from "../../ui/git-line.tsx";
import { Marked } from "../../ui/marked.tsx";
import { NewRows } from "../../ui/new-rows.tsx";
import { SearchBox } from "../../ui/search-box.tsx";
import { Select } from "../../ui/select.tsx";
import { titleOf } from "../../ui/session-parts.tsx";
import { suggestFilters } from "../../ui/suggest.ts";
import { type Column, Table } from "../../ui/table.tsx";

const OPTIONS = [
  { value: "a", text: "One device" },
  { value: "b", text: "Another device with a long name" },
];
const COLUMNS: readonly [Column<Session>, ...Column<Session>[]] = [
  { title: "Session", cell: titleOf },
  {
    title: "Cost",
    isNumber: true,
    cell: ({ cost_estimate_usd }) => <Cost usd={cost_estimate_usd} isPartial={false} />,
  },
  {
    title: "With a part that has no price",
    isNumber: true,
    cell: ({ cost_estimate_usd }) => <Cost usd={cost_estimate_usd} isPartial />,
  },
];
const WORDS = { device: ["laptop", "build server"], agent: ["codex"], has: ["error"] };

/** The blocks of lists, searches and sums. */
export function ListBlocks({
  sessions,
  git,
}: {
  sessions: readonly Session[];
  git: readonly GitActivity[];
}): JSX.Element {
  const [text, setText] = useState("dev");
  const [chosen, setChosen] = useState("a");
  return (
    <>
      <h2>Search box, choice, new rows</h2>
      <SearchBox
        label="Search in the gallery"
        placeholder="Words …"
        text={text}
        onSearch={setText}
        onDown={() => undefined}
        suggest={(typed) => suggestFilters(typed, WORDS)}
      />
      <p class="filter-controls">
        <Select label="Device" any="All devices" options={OPTIONS} value={chosen} onChange={setChosen} />
        <Select label="Unknown" any="All" options={OPTIONS} value="gone" onChange={() => undefined} />
      </p>
      <NewRows count={3} one="new session" onShow={() => undefined} />
      <h2>Table, costs</h2>
      <Table label="Costs" columns={COLUMNS} rows={sessions} keyOf={({ id }) => id} />
      <h2>Git activity</h2>
      <div class="rows">
        {git.map((one) => (
          <GitLine key={one.id} git={one} />
        ))}
      </div>
      <h2>Marked text</h2>
      <p>
        <Marked
          text="<b>Marks</b> are offsets, and text stays text."
          marks={[
            [3, 8],
            [13, 16],
            [14, 900],
          ]}
        />
      </p>
      <h2>Bars</h2>
      <BarPlot
        label="An example"
        names={["Mon", "Tue", "Wed", "Thu"]}
        series={[
          { name: "one model", values: [3, 0, 5, 2] },
          { name: "another model", values: [1, 4, 0, 2] },
          { name: "other models", values: [0, 1, 1, 0] },
        ]}
        format={countText}
        onChoose={() => undefined}
      />
    </>
  );
}
