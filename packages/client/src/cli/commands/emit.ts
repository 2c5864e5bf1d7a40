import { EVENT_TYPE_PATTERN, TYPE_CHARACTERS_MAX } from "@wharf/protocol/event-types";
import { createUlid } from "@wharf/protocol/ulid";
import { canonicalWorkspaceId, UNASSOCIATED_WORKSPACE } from "@wharf/protocol/workspace";
import type { Command } from "commander";
import { createFindPlace } from "../../git/find-place.ts";
import { createRunGit } from "../../git/run-git.ts";
import type { Profile } from "../../profiles/profiles.ts";
import { HubError } from "../../sdk/hub-error.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { findSessionId } from "../find-session.ts";
import { clientFor, type HubOptions, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { readStdin } from "../prompt.ts";

type EmitOptions = HubOptions & { data?: string; session?: string; workspace?: string };

/** `wharf emit TYPE` */
export function emit(command: Command, io: Io): void {
  withHubOptions(command)
    .argument("<type>", "in dot notation, such as deploy.done")
    .option("--data <json>", "an object; `-` reads it from standard input", "{}")
    .option("--session <id>", "the session that it belongs to, by its id or the beginning of it")
    .option("--workspace <remote>", "the git remote; by default that of this directory")
    .action(async function emitEvent(type: string, options: EmitOptions) {
      if (!EVENT_TYPE_PATTERN.test(type) || type.length > TYPE_CHARACTERS_MAX)
        throw new CliError(
          `"${type}" is no event type. Use lower case with a dot, such as deploy.done.`,
          EXIT.usage,
          "TYPE_INVALID",
        );
      const profile = await requireProfile(io, options);
      if (profile.device === null)
        throw new CliError(
          `Profile "${profile.name}" has no device. Run: wharf connect ${profile.url} CODE`,
          EXIT.denied,
          "NOT_ENROLLED",
        );
      const event = {
        id: createUlid(),
        type,
        timestamp: new Date().toISOString(),
        device_id: profile.device.id,
        workspace_id: await workspaceOf(io, options.workspace),
        session_id: (await sessionOf(profile, options.session)) ?? io.environment["WHARF_SESSION_ID"] ?? null,
        data: await readData(options.data ?? "{}"),
      };
      const { results, errors = [] } = await clientFor(profile, "ingest")
        .events.send([event])
        .catch(explainUnsent);
      const [problem] = errors;
      if (problem !== undefined)
        throw new CliError(
          `The hub rejected the event: ${problem.error}${problem.pointer ? ` (${problem.pointer})` : ""}`,
          EXIT.failed,
          "EVENT_REJECTED",
        );
      if (options.json) io.json({ event, status: results[0]?.status });
      else io.print(event.id);
    });
}

async function sessionOf(profile: Profile, typed: string | undefined): Promise<string | null> {
  return typed === undefined ? null : await findSessionId(clientFor(profile, "read"), typed);
}

/** emit asks the hub itself; only hooks have a queue. */
function explainUnsent(error: unknown): never {
  if (!(error instanceof HubError) || !error.isUnreachable) throw error;
  const message = `${error.message} The event was not kept; run this again when the hub is reachable.`;
  throw new CliError(message, EXIT.unreachable, error.code);
}

async function workspaceOf(io: Io, typed: string | undefined): Promise<string> {
  if (typed !== undefined) return canonicalWorkspaceId(typed) ?? UNASSOCIATED_WORKSPACE;
  const findPlace = createFindPlace(createRunGit(io.environment));
  return (await findPlace(process.cwd())).workspace_id;
}

async function readData(given: string): Promise<Record<string, unknown>> {
  const value = parsed(given === "-" ? await readStdin() : given);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new CliError("--data must be a JSON object.", EXIT.usage, "DATA_INVALID");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
