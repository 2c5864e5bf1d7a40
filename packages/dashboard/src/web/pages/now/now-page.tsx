import { byUrgency, OPEN_STATES } from "@wharf/protocol/state-words";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { PageHead } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { FinishedSessions } from "./finished-sessions.tsx";
import { LiveSessions } from "./live-sessions.tsx";
import { Strip } from "./strip.tsx";
import { Today } from "./today.tsx";
import { Welcome } from "./welcome.tsx";

const SESSIONS_MAX = 200;

/** Who needs me, what runs, what it cost today. */
export function NowPage(): JSX.Element {
  const open = useQuery("now", readOpen);
  const devices = useQuery(
    "now-devices",
    async () => (await hub.devices.list({ limit: SESSIONS_MAX })).devices,
  );
  useLiveReload(["session"], open);
  useLiveReload(["device"], devices);

  return (
    <>
      <PageHead
        title="Now"
        note={
          open.data &&
          devices.data &&
          devices.data.length > 0 && <Strip sessions={open.data} devices={devices.data} />
        }
      />
      {devices.data?.length === 0 ? (
        <Welcome />
      ) : (
        <>
          <Loaded query={open} rows={4}>
            {(sessions) => <LiveSessions sessions={sessions} />}
          </Loaded>
          <Today />
          <FinishedSessions />
        </>
      )}
    </>
  );
}

async function readOpen() {
  const { sessions } = await hub.sessions.list({ live_state: OPEN_STATES, limit: SESSIONS_MAX });
  return byUrgency(sessions);
}
