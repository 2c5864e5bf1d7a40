import type { Session } from "@wharf/protocol";
import type { Io } from "../io.ts";
import { type Column, printTable } from "./table.ts";
import { ago, count, money, plain } from "./text.ts";

/** One line per session. */
export function printSessions(io: Io, sessions: readonly Session[], now: Date = new Date()): void {
  const columns: Column<Session>[] = [
    { title: "ID", cell: ({ id }) => id },
    { title: "STARTED", cell: ({ started_at }) => (io.isTerminal ? ago(started_at, now) : started_at) },
    { title: "STATE", cell: stateOf },
    { title: "AGENT", cell: ({ agent }) => agent ?? "–" },
    { title: "DEVICE", cell: ({ device_name }) => device_name },
    { title: "WORKSPACE", cell: ({ workspace_name }) => workspace_name },
    {
      title: "TOKENS",
      cell: ({ tokens_in, tokens_out }) => count(sumOf(tokens_in, tokens_out)),
      align: "right",
    },
    {
      title: "COST",
      cell: ({ cost_estimate_usd, cost_is_partial }) => money(cost_estimate_usd, cost_is_partial),
      align: "right",
    },
    { title: "TITLE", cell: titleOf, isWide: true },
  ];
  printTable(io, columns, sessions);
}

export function stateOf({ live_state, lifecycle }: Session): string {
  return live_state === null || live_state === "ended" ? lifecycle : live_state;
}

export function titleOf({ title, initial_prompt }: Session): string {
  return plain(title ?? initial_prompt ?? "");
}

function sumOf(one: number | null, other: number | null): number | null {
  return one === null && other === null ? null : (one ?? 0) + (other ?? 0);
}
