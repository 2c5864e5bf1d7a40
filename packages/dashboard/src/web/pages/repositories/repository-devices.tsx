import type { WorkspaceDetail } from "@wharf/client";
import type { JSX } from "preact";
import { costText, countText } from "../../format/numbers.ts";
import { Held } from "../../ui/held.tsx";
import { Age } from "../../ui/parts.tsx";
import { knownPath } from "../../ui/session-parts.tsx";
import { type Column, Table } from "../../ui/table.tsx";

type Place = WorkspaceDetail["devices"][number];

const COLUMNS: readonly [Column<Place>, ...Column<Place>[]] = [
  { title: "Device", cell: ({ id, name }) => <a href={`/devices/${encodeURIComponent(id)}`}>{name}</a> },
  { title: "Path", cell: pathOf },
  { title: "Hooks", cell: hooksText },
  { title: "Sessions", isNumber: true, cell: ({ session_count }) => countText(session_count) },
  { title: "Cost", isNumber: true, cell: ({ total_cost_usd }) => costText(total_cost_usd) },
  { title: "Last active", isNumber: true, cell: ({ last_active_at }) => <Age at={last_active_at} /> },
];

/** Where the repository lies, and what reports from there. */
export function RepositoryDevices({ devices }: { devices: WorkspaceDetail["devices"] }): JSX.Element {
  if (devices.length === 0) return <p class="faint">No device has it.</p>;
  return (
    <Held items={devices} keyOf={idOf}>
      {(held) => <Table label="Devices" columns={COLUMNS} rows={held} keyOf={idOf} />}
    </Held>
  );
}

function idOf({ id }: Place): string {
  return id;
}

function pathOf({ local_path }: Place): JSX.Element {
  const path = knownPath(local_path);
  return path === null ? <span class="faint">not reported</span> : <code>{path}</code>;
}

function hooksText({ hooks_installed, git_hooks_installed }: Place): string {
  const installed = [...(hooks_installed ? ["agent"] : []), ...(git_hooks_installed ? ["git"] : [])];
  return installed.length === 0 ? "none reported" : installed.join(" and ");
}
