import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { instantText } from "../../format/times.ts";
import { Age } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";

/** Cron expressions with their last and next tick. */
export function Schedules(): JSX.Element {
  const schedules = useQuery("schedules", () => hub.jobs.schedules());
  return (
    <section aria-labelledby="schedules">
      <h2 id="schedules">Schedules</h2>
      <Loaded query={schedules} rows={4}>
        {(rows) => (
          <div class="table-wrap">
            <table>
              <thead>
                <tr>
                  <th scope="col">name</th>
                  <th scope="col">cron</th>
                  <th scope="col">last</th>
                  <th scope="col">next</th>
                </tr>
              </thead>
              <tbody>
                {rows.map(({ name, cron, time_zone, last_at, next_at, error }) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td>
                      <code>{cron}</code> <span class="faint">{time_zone}</span>
                    </td>
                    <td>
                      <Age at={last_at} />
                    </td>
                    <td>{error === null ? instantText(next_at) : <span class="bad">{error}</span>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </section>
  );
}
