import type { Device } from "@wharf/protocol";
import { deviceStatusText } from "@wharf/protocol/state-words";
import type { JSX } from "preact";
import { now } from "../../app/clock.ts";
import { durationText } from "../../format/times.ts";
import { Badge, type Tone } from "../../ui/parts.tsx";

/** Below it, a clock is right: the network alone takes a moment. */
const SKEW_MS_MIN = 2_000;

const TONES: Readonly<Record<ReturnType<typeof deviceStatusText>, Tone>> = {
  online: "good",
  joining: "info",
  offline: "quiet",
  removed: "quiet",
};

export function DeviceStatus({ device }: { device: Device }): JSX.Element {
  const status = deviceStatusText(device, now.value);
  return <Badge tone={TONES[status]}>{status}</Badge>;
}

/** Null for a clock that is right. */
export function skewText(skewMs: number): string | null {
  if (Math.abs(skewMs) < SKEW_MS_MIN) return null;
  return `${durationText(Math.abs(skewMs))} ${skewMs > 0 ? "ahead" : "behind"}`;
}
