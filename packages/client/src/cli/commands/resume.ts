import type { SessionDetail } from "@wharf/protocol";
import { resumeCommandOf } from "@wharf/protocol/agent-names";
import { UNASSOCIATED_WORKSPACE } from "@wharf/protocol/workspace";
import type { Command } from "commander";
import { createFindPlace } from "../../git/find-place.ts";
import { createRunGit, gitText } from "../../git/run-git.ts";
import type { Profile } from "../../profiles/profiles.ts";
import type { Client } from "../../sdk/create-client.ts";
import { quoted } from "../../served/shell.ts";
import { statIfThere } from "../../spool/files.ts";
import {
  agentFolders,
  findTranscripts,
  newestOfFolders,
  readOrigin,
} from "../../transcripts/find-transcripts.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { findSessionId } from "../find-session.ts";
import { clientFor, type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { plain } from "../output/text.ts";
import { homeOf } from "../sending.ts";

const UNKNOWN_PATH = "unknown";
/** Of transcripts, the newest first. */
const FOLDERS_MAX = 200;

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
        : await directoryHere(io, client, profile, session);
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
        io.warn(
          `No copy of ${plain(session.workspace_canonical_id)} was found on this machine. Run this in its directory, if there is one.`,
        );
    });
}

/**
 * Where this machine has the workspace of a session of another machine, by its git remote: here, where the hub knows it, or where one of
 * the transcripts of this machine began.
 */
async function directoryHere(
  io: Io,
  client: Client,
  { device }: Profile,
  { workspace_id, workspace_canonical_id }: SessionDetail,
): Promise<string | null> {
  if (workspace_canonical_id === UNASSOCIATED_WORKSPACE) return null;
  const run = createRunGit(io.environment);
  const findPlace = createFindPlace(run);
  async function topOf(directory: string): Promise<string | null> {
    const place = await findPlace(directory);
    if (place.workspace_id !== workspace_canonical_id) return null;
    return await gitText(run, directory, ["rev-parse", "--show-toplevel"]);
  }
  const here = await topOf(process.cwd());
  if (here !== null || device === null) return here;
  const { workspaces } = await client.devices.get(device.id);
  const known = workspaces.find((workspace) => workspace.workspace_id === workspace_id)?.local_path;
  if (known !== undefined && known !== UNKNOWN_PATH && (await statIfThere(known)) !== null) return known;
  const found = await findTranscripts(agentFolders(io.environment, homeOf(io)));
  for (const { path } of newestOfFolders(found).slice(0, FOLDERS_MAX)) {
    const { cwd } = await readOrigin(path);
    const top = cwd === null ? null : await topOf(cwd);
    if (top !== null) return top;
  }
  return null;
}

/** For a shell; ids and directories come from the hub, and are quoted. */
function commandOf({ agent, id }: SessionDetail, directory: string | null): string {
  const command = resumeCommandOf(agent, /^[\w-]+$/.test(id) ? id : quoted(plain(id)));
  if (command === null)
    throw new CliError(
      `How to resume a session of the agent ${plain(agent ?? "unknown")} is not known.`,
      EXIT.failed,
      "AGENT_UNKNOWN",
    );
  return directory === null ? command : `cd ${quoted(plain(directory))} && ${command}`;
}
