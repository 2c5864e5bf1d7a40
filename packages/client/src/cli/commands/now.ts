import type { Session } from "@wharf/protocol";
import { byUrgency, OPEN_STATES, reasonText, sessionStateText } from "@wharf/protocol/state-words";
import type { Command } from "commander";
import type { Client } from "../../sdk/create-client.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { titleOf } from "../output/session-table.ts";
import { printTable } from "../output/table.ts";
import { idOf, timeOf } from "../output/text.ts";

const SESSIONS_MAX = 200;
const HOME_AND_CLEAR = "\u001b[H\u001b[2J";

/** `wharf now` */
export function now(command: Command, io: Io): void {
  withHubOptions(command)
    .option("--watch", "follow changes, until Ctrl-C")
    .action(async function showNow({ watch: isAsked, ...options }: HubOptions & { watch?: true }) {
      const client = await openHub(io, options);
      const isWatching = isAsked === true && io.isTerminal && !options.json;
      if (isWatching) return await watch(io, client);
      const sessions = await readOpen(client);
      if (options.json) io.json({ sessions: byUrgency(sessions) });
      else printOpen(io, sessions);
    });
}

/** Until the process is ended. */
async function watch(io: Io, client: Client): Promise<void> {
  let open = new Map<string, Session>();
  for await (const update of client.live({ kinds: ["session"] })) {
    if (update.kind === "session") {
      const [id = ""] = update.ids;
      if (update.session !== null && isOpen(update.session)) open.set(id, update.session);
      else open.delete(id);
    } else {
      open = new Map((await readOpen(client)).map((session) => [session.id, session]));
    }
    process.stdout.write(HOME_AND_CLEAR);
    printOpen(io, [...open.values()]);
  }
}

function isOpen({ live_state }: Session): boolean {
  return live_state !== null && OPEN_STATES.includes(live_state);
}

async function readOpen(client: Client): Promise<Session[]> {
  const { sessions } = await client.sessions.list({ live_state: OPEN_STATES.join(), limit: SESSIONS_MAX });
  return sessions;
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
        cell: sessionStateText,
        isWhole: true,
        color: ({ live_state }) => colors[live_state ?? ""],
      },
      { title: "SINCE", cell: ({ live_since }) => timeOf(io, live_since, time), isWhole: true },
      { title: "WHY", cell: reasonText, isOptional: true },
      { title: "DEVICE", cell: ({ device_name }) => device_name },
      { title: "WORKSPACE", cell: ({ workspace_name }) => workspace_name },
      { title: "TITLE", cell: titleOf, isWide: true },
      { title: "ID", cell: ({ id }) => idOf(io, id), isWhole: true },
    ],
    byUrgency(sessions),
    "No session is open on any machine.",
  );
}
