import { homedir } from "node:os";
import { createMarker, createRedactor } from "@wharf/redaction";
import manifest from "../../package.json" with { type: "json" };
import { createFindPlace } from "../git/find-place.ts";
import { createRunGit } from "../git/run-git.ts";
import type { Profile } from "../profiles/profiles.ts";
import { compress } from "../sender/compress.ts";
import { reportFacts, reportWhenDue } from "../sender/report-facts.ts";
import type { SenderOptions } from "../sender/run-sender.ts";
import { shareFile } from "../share/rules.ts";
import { createShareLevels } from "../share/share-level.ts";
import { dataPaths } from "../spool/data-paths.ts";
import { createSessionTable } from "../spool/session-table.ts";
import { createDeletesAt } from "../transcripts/deletion-times.ts";
import { openFileStates } from "../transcripts/file-state.ts";
import {
  type AgentFolders,
  agentFolders,
  findTranscripts,
  readOrigin,
} from "../transcripts/find-transcripts.ts";
import type { SendFileDependencies } from "../transcripts/send-file.ts";
import { isPacked } from "../transcripts/send-unpacked.ts";
import { createTails, createWorkspaceOf } from "../transcripts/tails.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { clientFor } from "./hub.ts";
import type { Io } from "./io.ts";

const { version: client_version } = manifest;
/** One line, or one text, takes longer only if it is made for it. */
const REDACTION_MS = 20_000;
/** A transcript that was written this recently belongs to a live session. */
const LIVE_MS = 15 * 60_000;

export function homeOf(io: Io): string {
  return io.environment["HOME"] || homedir();
}

export type Sending = {
  sender: Omit<SenderOptions, "signal">;
  files: SendFileDependencies;
  folders: AgentFolders[];
  /** Sends the facts of this machine at once. */
  report: () => Promise<void>;
};

/** What sends this machine's files and events to the hub of a profile. Throws CliError without an enrolment. */
export function prepareSending(
  io: Io,
  profile: Profile,
  onSent: (bytes: number) => void = () => undefined,
): Sending {
  const { device, redaction_secret } = profile;
  if (device === null || redaction_secret === null) {
    const message = `Profile "${profile.name}" has a key, but this machine is not enrolled. Run: wharf connect ${profile.url} CODE`;
    throw new CliError(message, EXIT.failed, "NOT_ENROLLED");
  }
  const client = clientFor(profile, "ingest", { compress });
  const redactor = createRedactor({ mark: createMarker(redaction_secret), budgetMs: REDACTION_MS });
  const run = createRunGit(io.environment);
  const findPlace = createFindPlace(run);
  const paths = dataPaths(io.paths.data);
  const share = createShareLevels(shareFile(io.paths.config), findPlace);
  const files: SendFileDependencies = {
    transcripts: client.transcripts,
    states: openFileStates(paths.transcripts, profile.url),
    redactor,
    device_id: device.id,
    shareOf: share.ofFile,
    workspaceOf: createWorkspaceOf(findPlace, () => null),
    deletesAt: createDeletesAt(),
    onSent,
  };
  const folders = agentFolders(io.environment, homeOf(io));
  const facts = { paths, device_id: device.id, client_version, folders, devices: client.devices };
  const sender: Omit<SenderOptions, "signal"> = {
    paths,
    device_id: device.id,
    home: homeOf(io),
    run,
    findPlace,
    sessions: createSessionTable(paths.sessions),
    shareOf: share.ofHook,
    redact: (line) => redactor.line(line),
    events: client.events,
    report: () => reportWhenDue(facts),
    createTails: (onChange) => createTails({ ...files, findPlace, onChange }),
    findLive: async () => {
      const live = await findTranscripts(folders, Date.now() - LIVE_MS);
      const mains = live.filter(({ kind, path }) => kind === "main" && !isPacked(path));
      return Promise.all(mains.map(async (file) => ({ ...file, cwd: (await readOrigin(file.path)).cwd })));
    },
  };
  return { sender, files, folders, report: () => reportFacts(facts) };
}

/** The hub shows a new device with its facts at once. If that fails, the sender reports them later. */
export async function reportMachine(io: Io, profile: Profile): Promise<void> {
  await prepareSending(io, profile)
    .report()
    .catch(() => undefined);
}
