import type { Setup } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { PageHead, WithCode } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { JoinDevice } from "../devices/join-device.tsx";

/** What the hub still needs; an item is done by what happened, not by a click. */
export function SetupPage(): JSX.Element {
  const setup = useQuery("setup", () => hub.setup());
  useLiveReload(["device", "event", "session"], setup);
  return (
    <>
      <PageHead title="Setup" note="Each step turns green by itself when it has happened." />
      <Loaded query={setup}>{(found) => <Items setup={found} />}</Loaded>
    </>
  );
}

function Items({ setup: { items, is_done } }: { setup: Setup }): JSX.Element {
  const next = items.find((item) => !item.is_done);
  return (
    <>
      {is_done && <p class="note good">All is set up. Connect further machines in Devices.</p>}
      <ol class="setup">
        {items.map((item) => (
          <li key={`${item.id} ${item.agent}`} class={item.is_done ? "done" : undefined}>
            <span class="setup-mark" role="img" aria-label={item.is_done ? "done" : "to do"}>
              {item.is_done ? "✓" : ""}
            </span>
            <div>
              <strong>{item.title}</strong>
              {!item.is_done && (
                <p>
                  <WithCode text={item.todo} />
                </p>
              )}
              {item === next && item.id === "device" && <JoinDevice />}
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}
