import type { Queue } from "@wharf/protocol";
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { canChange, hub } from "../../app/hub.ts";
import { href } from "../../app/router.ts";
import { act } from "../../app/toasts.tsx";
import type { QueryState } from "../../app/use-query.ts";
import { counted, countText } from "../../format/numbers.ts";
import { durationText } from "../../format/times.ts";
import { Age, Badge } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";

const count = (state: "running" | "ready" | "waiting" | "scheduled" | "dead"): Column<Queue> => ({
  title: state,
  isNumber: true,
  cell: (queue) =>
    queue[state] === 0 ? (
      <span class="faint">0</span>
    ) : (
      <a href={href("/jobs", { queue: queue.name, status: state })}>
        {countText(queue[state])}
        {queue.capped.includes(state) && "+"}
      </a>
    ),
});

const COUNTS: readonly Column<Queue>[] = [
  count("running"),
  count("ready"),
  {
    title: "oldest",
    isNumber: true,
    cell: ({ oldest_ready_ms }) => (oldest_ready_ms === null ? "–" : durationText(oldest_ready_ms)),
  },
  count("waiting"),
  count("scheduled"),
  count("dead"),
  {
    title: "per second",
    isNumber: true,
    cell: ({ completed_per_second }) => completed_per_second.toFixed(1),
  },
];

/** Each queue with its depth, its oldest job, its rate and its pause. */
export function Queues({ queues, selected }: { queues: QueryState<Queue[]>; selected: string }): JSX.Element {
  const [isOpened, setIsOpened] = useState(false);
  const linked = ({ name }: Queue): ComponentChildren => {
    const isSelected = name === selected;
    return (
      <a
        href={href("/jobs", { queue: isSelected ? null : name })}
        aria-current={isSelected ? "true" : undefined}
      >
        {name}
      </a>
    );
  };
  return (
    <Loaded query={queues} rows={1}>
      {(rows) => (
        <details
          class="queues"
          open={isOpened || selected !== "" || rows.some(({ paused_at }) => paused_at !== null)}
          onToggle={(event) => setIsOpened(event.currentTarget.open)}
        >
          <summary>
            Queues <span class="faint">{summaryOf(rows)}</span>
          </summary>
          <Table
            label="Queues"
            columns={[
              { title: "queue", cell: linked },
              ...COUNTS,
              { title: "state", cell: (queue) => <Pause queue={queue} onChange={queues.reload} /> },
            ]}
            rows={rows}
            keyOf={({ name }) => name}
          />
        </details>
      )}
    </Loaded>
  );
}

function summaryOf(queues: readonly Queue[]): string {
  const paused = queues.filter(({ paused_at }) => paused_at !== null).map(({ name }) => name);
  const ready = queues.reduce((sum, queue) => sum + queue.ready, 0);
  const waiting =
    ready === 0 ? "no job waits for a worker" : `${counted(ready, "job waits", "jobs wait")} for a worker`;
  return paused.length === 0 ? waiting : `${paused.join(", ")} paused, ${waiting}`;
}

function Pause({
  queue: { name, paused_at, pause_reason },
  onChange,
}: {
  queue: Queue;
  onChange: () => void;
}): JSX.Element {
  async function toggle(): Promise<void> {
    const isDone =
      paused_at === null
        ? await act(() => hub.jobs.pauseQueue(name), `${name} is paused; running jobs end.`)
        : await act(() => hub.jobs.resumeQueue(name), `${name} runs again.`);
    if (isDone) onChange();
  }
  return (
    <>
      {paused_at !== null && (
        <Badge tone="needs" {...(pause_reason === null ? {} : { title: pause_reason })}>
          paused <Age at={paused_at} />
        </Badge>
      )}{" "}
      {canChange() && (
        <button type="button" class="small" onClick={() => void toggle()}>
          {paused_at === null ? "Pause" : "Resume"}
        </button>
      )}
    </>
  );
}
