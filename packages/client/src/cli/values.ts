import { AGENTS } from "@wharf/protocol/agent-names";
import { CliError, EXIT } from "./cli-error.ts";

/** `other`: the hub's name for all that are not known. */
const AGENT_VALUES: readonly string[] = [...AGENTS, "other"];
/** For the help of `--agent`. */
export const AGENT_CHOICE = `one of: ${AGENT_VALUES.join(", ")}`;

const SPAN = /^(\d{1,5})(h|d|w)$/;
const HOURS = { h: 1, d: 24, w: 168 } as const;
const HOUR_MS = 3_600_000;

/** `--since`: 12h, 7d, 2w, a day or an instant; as ISO 8601. Throws CliError. */
export function instantOf(text: string, now: Date): string {
  const [, amount, unit] = SPAN.exec(text) ?? [];
  if (amount !== undefined && (unit === "h" || unit === "d" || unit === "w"))
    return new Date(now.getTime() - Number(amount) * HOURS[unit] * HOUR_MS).toISOString();
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00`) : Date.parse(text);
  if (Number.isNaN(ms))
    throw new CliError(`"${text}" is no time. Use 12h, 7d, 2w or 2026-11-22.`, EXIT.usage, "TIME_INVALID");
  return new Date(ms).toISOString();
}

/** Midnight of this machine's time zone. */
export function startOfToday(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate());
}

/** A whole number of at least 1. Throws CliError. */
export function countOf(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new CliError(`"${text}" is no number of at least 1.`, EXIT.usage, "NUMBER_INVALID");
}

/** `--agent`. Throws CliError. */
export function agentOf(text: string): string {
  if (AGENT_VALUES.includes(text)) return text;
  const message = `No agent "${text}". There are: ${AGENT_VALUES.join(", ")}.`;
  throw new CliError(message, EXIT.usage, "AGENT_UNKNOWN");
}

export function timeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}
