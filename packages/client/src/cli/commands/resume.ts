import type { SessionDetail } from "@wharf/protocol";
import type { Command } from "commander";
import type { Profile } from "../../profiles/profiles.ts";
import type { Client } from "../../sdk/create-client.ts";
import { quoted } from "../../served/shell.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { findSessionId } from "../find-session.ts";
import { clientFor, type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { plain } from "../output/text.ts";

const COMMANDS: Record<string, (id: string) => string> = {
  "claude-code": (id) => `claude --resume ${id}`,
  codex: (id) => `codex resume ${id}`,
  "gemini-cli": (id) => `gemini --resume ${id}`,
  opencode: (id) => `opencode --session ${id}`,
};
const UNKNOWN_PATH = "unknown";

/** `wharf resume ID` */
export function resume(command: Command, io: Io): void {
  withHubOptions(command)
    .argument("<id>", "a session, by its id or the first 6 characters or more")
    .action(async function printCommand(id: string, options: HubOptions) {
      const profile = await requireProfile(io, options);
      const client = clientFor(profile, "read");
      const session = await client.sessions.get(await findSessionId(client, id));
      const isHere = session.device_id === profile.device?.id;
      const directory = isHere
        ? (session.transcript?.place.cwd ?? null)
        : await directoryHere(client, profile, session);
      const shell = commandOf(session, directory);
      if (options.json)
        io.json({
          command: shell,
          directory,
          is_here: isHere,
          device_name: session.device_name,
          agent: session.agent,
        });
      else io.print(shell);
      if (isHere || options.json) return;
      io.warn(
        `The session was on ${plain(session.device_name)}: the agent there has its transcript. Run the command on that machine, or read it here: wharf session ${plain(session.id)} --transcript`,
      );
      if (directory === null)
        io.warn(`This machine has no copy of ${plain(session.workspace_canonical_id)} that the hub knows.`);
    });
}

/** Where this machine keeps the workspace of a session of another machine. */
async function directoryHere(
  client: Client,
  { device }: Profile,
  { workspace_id }: SessionDetail,
): Promise<string | null> {
  if (device === null) return null;
  const { workspaces } = await client.devices.get(device.id);
  const path = workspaces.find((workspace) => workspace.workspace_id === workspace_id)?.local_path;
  return path === undefined || path === UNKNOWN_PATH ? null : path;
}

/** For a shell; ids and directories come from the hub, and are quoted. */
function commandOf({ agent, id }: SessionDetail, directory: string | null): string {
  const write = COMMANDS[agent ?? ""];
  if (write === undefined)
    throw new CliError(
      `How to resume a session of the agent ${plain(agent ?? "unknown")} is not known.`,
      EXIT.failed,
      "AGENT_UNKNOWN",
    );
  const word = /^[\w-]+$/.test(id) ? id : quoted(plain(id));
  return directory === null ? write(word) : `cd ${quoted(plain(directory))} && ${write(word)}`;
}
