import { HIDDEN_CHARACTERS } from "@wharf/protocol/hidden-characters";
import type { Io } from "../io.ts";

const HIDDEN = new RegExp(`[\\t\\n${HIDDEN_CHARACTERS}]+`, "gu");

/** Text of a hub in one line: without control characters, which a terminal would obey. */
export function plain(text: string): string {
  return text.replace(HIDDEN, " ").trim();
}

/** The same over several lines. */
export function plainLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.replaceAll("\t", "  ").replace(HIDDEN, " ").trimEnd())
    .join("\n");
}

export function count(value: number | null): string {
  if (value === null) return "–";
  if (value < 10_000) return String(value);
  if (value < 1_000_000) return `${Math.round(value / 1_000)}k`;
  return value < 1e9 ? `${(value / 1e6).toFixed(1)}M` : `${(value / 1e9).toFixed(2)}G`;
}

export function money(usd: number | null, isPartial: boolean | null = false): string {
  if (usd === null) return "–";
  return `$${usd.toFixed(2)}${isPartial ? "+" : ""}`;
}

/** `1 file`, `3 files`. */
export function plural(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** `3 h`, `12 min`: the largest unit alone. */
export function duration(ms: number | null): string {
  if (ms === null) return "–";
  const [name, size] = UNITS.find(([, unitMs]) => ms >= unitMs) ?? ["ms", 1];
  return `${Math.floor(ms / size)} ${name}`;
}

function ago(time: string | null, now: Date): string {
  if (time === null) return "–";
  const ms = now.getTime() - Date.parse(time);
  return ms < 1_000 ? "now" : `${duration(ms)} ago`;
}

/** Relative on a terminal, ISO 8601 in a pipe. */
export function timeOf(
  { isTerminal }: Pick<Io, "isTerminal">,
  time: string | null,
  now = new Date(),
): string {
  return isTerminal ? ago(time, now) : (time ?? "–");
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SHORT_ID_CHARACTERS = 8;

/** On a terminal the beginning of a session's UUID, which commands accept. */
export function idOf({ isTerminal }: Pick<Io, "isTerminal">, id: string): string {
  return isTerminal && UUID.test(id) ? id.slice(0, SHORT_ID_CHARACTERS) : id;
}
