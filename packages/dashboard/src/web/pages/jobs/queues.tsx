import type { Queue } from "@wharf/protocol";
import type { JSX } from "preact";
import { canChange, hub } from "../../app/hub.ts";
import { href } from "../../app/router.ts";
import { act } from "../../app/toasts.tsx";
import type { QueryState } from "../../app/use-query.ts";
import { countText } from "../../format/numbers.ts";
import { durationText } from "../../format/times.ts";
import { Age, Badge } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";

/** Each queue with its depth, its oldest job, its rate and its pause. */
export function Queues({ queues, selected }: { queues: QueryState<Queue[]>; selected: string }): JSX.Element {
  return (
    <section aria-label="Queues">
      <Loaded query={queues} rows={3}>
        {(rows) => (
          <div class="table-wrap">
            <table>
              <thead>
                <tr>
                  <th scope="col">queue</th>
                  <th scope="col" class="number">
                    running
                  </th>
                  <th scope="col" class="number">
                    ready
                  </th>
                  <th scope="col" class="number">
                    oldest
                  </th>
                  <th scope="col" class="number">
                    waiting
                  </th>
                  <th scope="col" class="number">
                    scheduled
                  </th>
                  <th scope="col" class="number">
                    dead
                  </th>
                  <th scope="col" class="number">
                    a second
                  </th>
                  <th scope="col">state</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((queue) => (
                  <QueueRow
                    key={queue.name}
                    queue={queue}
                    isSelected={queue.name === selected}
                    onChange={queues.reload}
                  />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </section>
  );
}

function QueueRow({
  queue,
  isSelected,
  onChange,
}: {
  queue: Queue;
  isSelected: boolean;
  onChange: () => void;
}): JSX.Element {
  const { name, oldest_ready_ms, completed_per_second, paused_at, pause_reason } = queue;
  const count = (state: "running" | "ready" | "waiting" | "scheduled" | "dead") =>
    queue[state] === 0 ? (
      <span class="faint">0</span>
    ) : (
      <a href={href("/jobs", { queue: name, status: state })}>
        {countText(queue[state])}
        {queue.capped.includes(state) && "+"}
      </a>
    );
  async function toggle(): Promise<void> {
    const isDone =
      paused_at === null
        ? await act(() => hub.jobs.pauseQueue(name), `${name} is paused; running jobs end.`)
        : await act(() => hub.jobs.resumeQueue(name), `${name} runs again.`);
    if (isDone) onChange();
  }
  return (
    <tr>
      <th scope="row">
        <a
          href={href("/jobs", { queue: isSelected ? null : name })}
          aria-current={isSelected ? "true" : undefined}
        >
          {name}
        </a>
      </th>
      <td class="number">{count("running")}</td>
      <td class="number">{count("ready")}</td>
      <td class="number">{oldest_ready_ms === null ? "–" : durationText(oldest_ready_ms)}</td>
      <td class="number">{count("waiting")}</td>
      <td class="number">{count("scheduled")}</td>
      <td class="number">{count("dead")}</td>
      <td class="number">{completed_per_second.toFixed(1)}</td>
      <td>
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
      </td>
    </tr>
  );
}
