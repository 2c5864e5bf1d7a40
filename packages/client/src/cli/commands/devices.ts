import type { Device } from "@wharf/protocol";
import { deviceStatusText } from "@wharf/protocol/state-words";
import type { Command } from "commander";
import { findDevice } from "../find-device.ts";
import { clientFor, type HubOptions, openHub, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printTable } from "../output/table.ts";
import { money, plain, timeOf } from "../output/text.ts";

/** `wharf devices`, `wharf devices rename` and `remove` */
export function devices(command: Command, io: Io): void {
  withHubOptions(command).action(async function listDevices(options: HubOptions) {
    const profile = await requireProfile(io, options);
    const page = await clientFor(profile, "read").devices.list({ limit: 1_000 });
    if (options.json) io.json(page);
    else printDevices(io, page.devices, profile.device?.id ?? null);
  });
  withHubOptions(command.command("rename <device> <name>").description("Give a device another name")).action(
    async function renameDevice(named: string, name: string, options: HubOptions) {
      const client = await openHub(io, options, "admin");
      const { id } = await findDevice(client, named);
      const device = await client.devices.rename(id, name);
      if (options.json) io.json({ device });
      else io.print(`Renamed ${plain(named)} to ${plain(device.name)}.`);
    },
  );
  withHubOptions(
    command.command("remove <device>").description("Revoke the keys of a device; its sessions remain"),
  ).action(async function removeDevice(named: string, options: HubOptions) {
    const client = await openHub(io, options, "admin");
    const { id, name } = await findDevice(client, named);
    await client.devices.remove(id);
    if (options.json) io.json({ removed: id });
    else io.print(`Removed ${plain(name)}. Its keys no longer work; its sessions remain.`);
  });
}

function printDevices(io: Io, list: readonly Device[], own: string | null): void {
  const now = new Date();
  printTable(
    io,
    [
      { title: "DEVICE", cell: ({ id, name }) => (id === own ? `${name} (this)` : name), isWide: true },
      { title: "STATUS", cell: (device) => deviceStatusText(device, now.getTime()), isWhole: true },
      { title: "SEEN", cell: ({ last_seen_at }) => timeOf(io, last_seen_at, now), isWhole: true },
      {
        title: "SESSIONS",
        cell: ({ session_count }) => String(session_count),
        align: "right",
        isOptional: true,
      },
      {
        title: "LIVE",
        cell: ({ active_session_count }) => String(active_session_count),
        align: "right",
        isOptional: true,
      },
      { title: "COST", cell: ({ total_cost_usd }) => money(total_cost_usd), align: "right" },
      { title: "ID", cell: ({ id }) => id, isWhole: true },
    ],
    list,
    "The hub has no devices yet. A machine joins with the line that `bun run enrol` prints on the hub.",
  );
}
