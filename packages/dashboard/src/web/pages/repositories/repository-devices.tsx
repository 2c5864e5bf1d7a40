import type { WorkspaceDetail } from "@wharf/client";
import type { JSX } from "preact";
import { costText, countText } from "../../format/numbers.ts";
import { Age } from "../../ui/parts.tsx";

/** Where the repository lies, and what reports from there. */
export function RepositoryDevices({ devices }: { devices: WorkspaceDetail["devices"] }): JSX.Element {
  if (devices.length === 0) return <p class="faint">No device has it.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="table-wrap" tabIndex={0} aria-label="Devices">
      <table>
        <thead>
          <tr>
            <th>Device</th>
            <th>Path</th>
            <th>Hooks</th>
            <th class="number">Sessions</th>
            <th class="number">Cost</th>
            <th class="number">Last active</th>
          </tr>
        </thead>
        <tbody>
          {devices.map((device) => (
            <tr key={device.id}>
              <td>
                <a href={`/devices/${encodeURIComponent(device.id)}`}>{device.name}</a>
              </td>
              <td class="mono">{device.local_path}</td>
              <td>{hooksText(device)}</td>
              <td class="number">{countText(device.session_count)}</td>
              <td class="number">{costText(device.total_cost_usd)}</td>
              <td class="number">
                <Age at={device.last_active_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function hooksText({ hooks_installed, git_hooks_installed }: WorkspaceDetail["devices"][number]): string {
  const installed = [...(hooks_installed ? ["agent"] : []), ...(git_hooks_installed ? ["git"] : [])];
  return installed.length === 0 ? "none reported" : installed.join(" and ");
}
