import type { Device } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hub } from "../../app/hub.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { usePages } from "../../app/use-pages.ts";
import { usePartialCosts } from "../../app/use-partial-costs.ts";
import { bytesText, counted } from "../../format/numbers.ts";
import { Cost } from "../../ui/cost.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { HeldRows } from "../../ui/held.tsx";
import { Age, PageHead } from "../../ui/parts.tsx";
import { Empty } from "../../ui/states.tsx";
import { DeviceStatus, skewText } from "./device-parts.tsx";
import { JoinDevice } from "./join-device.tsx";

const ROW_PX = 58;

/** The machines that send to this hub. */
export function DevicesPage(): JSX.Element {
  const [isJoining, setIsJoining] = useState(false);
  const pages = usePages("devices", async (cursor) => {
    const { devices, next_cursor } = await hub.devices.list({
      limit: 100,
      ...(cursor === null ? {} : { cursor }),
    });
    return { items: devices, next: next_cursor };
  });
  useLiveReload(["device"], pages);
  const partial = usePartialCosts("device");
  return (
    <>
      <PageHead title="Devices" note="The machines that send to this hub.">
        <button type="button" class="primary" onClick={() => setIsJoining(true)}>
          Connect a machine
        </button>
      </PageHead>
      <HeldRows
        pages={pages}
        label="Devices"
        rowHeight={ROW_PX}
        keyOf={({ id }) => id}
        row={(device) => <DeviceRow device={device} isCostPartial={partial.has(device.id)} />}
        empty={
          <Empty title="No machine is connected yet.">
            <p>Connect one: a pasted line installs the client there.</p>
          </Empty>
        }
      />
      {isJoining && (
        <Dialog title="Connect a machine" onClose={() => setIsJoining(false)}>
          <JoinDevice />
        </Dialog>
      )}
    </>
  );
}

function DeviceRow({ device, isCostPartial }: { device: Device; isCostPartial: boolean }): JSX.Element {
  const { id, name, last_seen_at, report, held, session_count, total_cost_usd } = device;
  const skew = report === null ? null : skewText(report.clock_skew_ms);
  return (
    <a class="row device-row" href={`/devices/${encodeURIComponent(id)}`}>
      <span class="two-lines">
        <strong class="cut">{name}</strong>
        <span class="faint cut">
          {report === null ? "no client report" : `client ${report.client_version}`}
          {skew !== null && <span class="needs"> · clock {skew}</span>}
        </span>
      </span>
      <span>
        <DeviceStatus device={device} />
      </span>
      <span class="faint">
        seen <Age at={last_seen_at} />
      </span>
      <span class="faint number">{counted(session_count, "session")}</span>
      <span class="faint number">{bytesText(held.bytes)} held</span>
      <span class="number">
        <Cost usd={total_cost_usd} isPartial={isCostPartial} />
      </span>
    </a>
  );
}
