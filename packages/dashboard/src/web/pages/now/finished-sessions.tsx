import type { JSX } from "preact";
import { now } from "../../app/clock.ts";
import { hub } from "../../app/hub.ts";
import { href } from "../../app/router.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { durationText } from "../../format/times.ts";
import { Cost } from "../../ui/cost.tsx";
import { Held } from "../../ui/held.tsx";
import { Age } from "../../ui/parts.tsx";
import { repositoryName, sessionHref, titleOf } from "../../ui/session-parts.tsx";
import { Loaded } from "../../ui/states.tsx";

const SHOWN = 10;
const DAY_MS = 24 * 60 * 60 * 1_000;
const HOUR_MS = 60 * 60 * 1_000;

/** What ended within the last day, newest first. */
export function FinishedSessions(): JSX.Element {
  const since = new Date(Math.floor(now.value / HOUR_MS) * HOUR_MS - DAY_MS).toISOString();
  const finished = useQuery(`finished ${since}`, async () => {
    const { sessions } = await hub.sessions.list({ ended_after: since, limit: 50 });
    return sessions.toSorted((a, b) => (b.ended_at ?? "").localeCompare(a.ended_at ?? "")).slice(0, SHOWN);
  });
  useLiveReload(["session"], finished);
  return (
    <section aria-labelledby="finished">
      <h2 id="finished">Finished</h2>
      <Loaded query={finished} rows={4}>
        {(sessions) =>
          sessions.length === 0 ? (
            <p class="faint">No session ended within the last day.</p>
          ) : (
            <>
              <Held items={sessions} keyOf={({ id }) => id}>
                {(held) => (
                  <ul class="rows">
                    {held.map((session) => (
                      <li key={session.id}>
                        <a class="row finished-row" href={sessionHref(session.id)}>
                          <span class="cut">{titleOf(session)}</span>
                          <span class="faint cut">
                            {repositoryName(session.workspace_name)} · {session.device_name}
                          </span>
                          <span class="faint number">{durationText(session.duration_ms ?? 0)}</span>
                          <span class="number">
                            <Cost
                              usd={session.cost_estimate_usd}
                              isPartial={session.cost_is_partial === true}
                            />
                          </span>
                          <span class="faint number">
                            <Age at={session.ended_at} />
                          </span>
                        </a>
                      </li>
                    ))}
                  </ul>
                )}
              </Held>
              <p>
                <a href={href("/sessions", { ended_after: since })}>All that ended within the last day</a>
              </p>
            </>
          )
        }
      </Loaded>
    </section>
  );
}
