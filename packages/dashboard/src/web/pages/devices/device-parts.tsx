import type { Device } from "@wharf/protocol";
import type { JSX } from "preact";
import { now } from "../../app/clock.ts";
import { durationText } from "../../format/times.ts";
import { Badge, type Tone } from "../../ui/parts.tsx";

/** Below it, a clock is right: the network alone takes a moment. */
const SKEW_MS_MIN = 2_000;

const TONES: Readonly<Record<Device["status"], Tone>> = {
  online: "good",
  provisioning: "info",
  offline: "quiet",
  terminated: "quiet",
};

/** The hub keeps "online" until a device is removed: it is so for this time after it was seen. */
const ONLINE_MS = 5 * 60 * 1_000;

export function DeviceStatus({ device }: { device: Device }): JSX.Element {
  const seen = device.last_seen_at === null ? 0 : Date.parse(device.last_seen_at);
  const isSilent = device.status === "online" && now.value - seen >= ONLINE_MS;
  const status = isSilent ? "offline" : device.status;
  return <Badge tone={TONES[status]}>{status}</Badge>;
}

/** Null for a clock that is right. */
export function skewText(skewMs: number): string | null {
  if (Math.abs(skewMs) < SKEW_MS_MIN) return null;
  return `clock ${durationText(Math.abs(skewMs))} ${skewMs > 0 ? "ahead" : "behind"}`;
}
