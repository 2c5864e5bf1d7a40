import type { LiveState, Session } from "@wharf/protocol";
import type { Command } from "commander";
import type { Client } from "../../sdk/create-client.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { titleOf } from "../output/session-table.ts";
import { printTable } from "../output/table.ts";
import { idOf, timeOf } from "../output/text.ts";

/** What a person has to look at comes first. */
const STATES: readonly (LiveState | null)[] = ["needs_input", "stale_call", "turn_done", "working", "idle"];
const REFRESH_MS = 2_000;
const SESSIONS_MAX = 200;
const HOME_AND_CLEAR = "\u001b[H\u001b[2J";

/** `wharf now` */
export function now(command: Command, io: Io): void {
  withHubOptions(command)
    .option("--watch", "refresh every two seconds, until Ctrl-C")
    .action(async function showNow({ watch, ...options }: HubOptions & { watch?: true }) {
      const client = await openHub(io, options);
      const isWatching = watch === true && io.isTerminal && !options.json;
      do {
        const sessions = await readOpen(client);
        if (isWatching) io.print(HOME_AND_CLEAR);
        if (options.json) io.json({ sessions });
        else if (sessions.length === 0) io.warn("No session is open on any machine.");
        else printOpen(io, sessions);
        if (isWatching) await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
      } while (isWatching);
    });
}

async function readOpen(client: Client): Promise<Session[]> {
  const { sessions } = await client.sessions.list({ live_state: STATES.join(), limit: SESSIONS_MAX });
  const rank = ({ live_state }: Session) => STATES.indexOf(live_state);
  const since = (session: Session) => session.live_since ?? session.started_at;
  return sessions.toSorted((a, b) => rank(a) - rank(b) || since(b).localeCompare(since(a)));
}

function printOpen(io: Io, sessions: readonly Session[]): void {
  const time = new Date();
  const { red, yellow, green } = io.colors;
  const colors: Record<string, (text: string) => string> = {
    needs_input: red,
    stale_call: red,
    turn_done: yellow,
    working: green,
  };
  printTable(
    io,
    [
      {
        title: "STATE",
        cell: ({ live_state }) => live_state ?? "",
        isWhole: true,
        color: ({ live_state }) => colors[live_state ?? ""],
      },
      { title: "SINCE", cell: ({ live_since }) => timeOf(io, live_since, time), isWhole: true },
      { title: "WHY", cell: ({ live_reason }) => live_reason ?? "", isOptional: true },
      { title: "DEVICE", cell: ({ device_name }) => device_name },
      { title: "WORKSPACE", cell: ({ workspace_name }) => workspace_name },
      { title: "TITLE", cell: titleOf, isWide: true },
      { title: "ID", cell: ({ id }) => idOf(io, id), isWhole: true },
    ],
    sessions,
  );
}
