import type { Session } from "@wharf/protocol";
import { sessionStateText } from "@wharf/protocol/state-words";
import type { Io } from "../io.ts";
import { type Column, printTable } from "./table.ts";
import { count, idOf, money, plain, timeOf } from "./text.ts";

/** One line per session. */
export function printSessions(io: Io, sessions: readonly Session[], now: Date = new Date()): void {
  const columns: Column<Session>[] = [
    { title: "ID", cell: ({ id }) => idOf(io, id), isWhole: true },
    { title: "STARTED", cell: ({ started_at }) => timeOf(io, started_at, now), isWhole: true },
    { title: "STATE", cell: sessionStateText, isWhole: true },
    { title: "AGENT", cell: ({ agent }) => agent ?? "–", isOptional: true },
    { title: "DEVICE", cell: ({ device_name }) => device_name },
    { title: "WORKSPACE", cell: ({ workspace_name }) => workspace_name },
    {
      title: "TOKENS",
      cell: ({ tokens_in, tokens_out }) => count(sumOf(tokens_in, tokens_out)),
      align: "right",
      isOptional: true,
    },
    {
      title: "COST",
      cell: ({ cost_estimate_usd, cost_is_partial }) => money(cost_estimate_usd, cost_is_partial),
      align: "right",
    },
    { title: "TITLE", cell: titleOf, isWide: true },
  ];
  printTable(io, columns, sessions, "No sessions match. Without options, the latest are listed.");
}

export function titleOf({ title, initial_prompt }: Session): string {
  return plain(title ?? initial_prompt ?? "");
}

function sumOf(one: number | null, other: number | null): number | null {
  return one === null && other === null ? null : (one ?? 0) + (other ?? 0);
}
