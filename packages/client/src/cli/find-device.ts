import type { Device } from "@wharf/protocol";
import type { Client } from "../sdk/create-client.ts";
import { CliError, EXIT } from "./cli-error.ts";

const DEVICES_MAX = 1_000;

/** A device by its id or name. Throws CliError for an unknown name, and for one of several devices. */
export async function findDevice(client: Client, idOrName: string): Promise<Device> {
  const { devices } = await client.devices.list({ limit: DEVICES_MAX });
  const exact = devices.find(({ id }) => id === idOrName);
  if (exact !== undefined) return exact;
  const named = devices.filter(({ name }) => name.toLowerCase() === idOrName.toLowerCase());
  const [device, another] = named;
  if (device === undefined) {
    const names = devices.map(({ name }) => name).join(", ");
    throw new CliError(
      `No device "${idOrName}". There are: ${names || "none"}.`,
      EXIT.failed,
      "DEVICE_UNKNOWN",
    );
  }
  if (another === undefined) return device;
  const ids = named.map(({ id }) => id).join(", ");
  throw new CliError(
    `Several devices have the name "${idOrName}". Use an id: ${ids}.`,
    EXIT.usage,
    "DEVICE_AMBIGUOUS",
  );
}
