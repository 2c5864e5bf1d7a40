import type { KeyScope } from "@wharf/protocol";
import type { Command } from "commander";
import { readHubUrl } from "../profiles/hub-url.ts";
import { openProfiles, type Profile } from "../profiles/profiles.ts";
import { type Client, type ClientOptions, createClient } from "../sdk/create-client.ts";
import { type HubSessions, readHubSessions } from "../transcripts/hub-sessions.ts";
import { CliError, EXIT } from "./cli-error.ts";
import type { Io } from "./io.ts";

/** Options of every command that asks a hub. */
export type HubOptions = { json?: true; profile?: string };

export function withHubOptions(command: Command): Command {
  return command
    .option("--json", "print JSON")
    .option("--profile <name>", "the hub to use, if there are several");
}

/** The profile of --profile, of WHARF_PROFILE, or the current one. Throws CliError. */
export async function requireProfile(io: Io, { profile: named }: HubOptions): Promise<Profile> {
  const profiles = openProfiles(io.paths.config);
  const name = named ?? io.environment["WHARF_PROFILE"] ?? (await profiles.current());
  if (name === null) {
    throw new CliError(
      "This machine is not connected to a hub. Run: wharf connect URL CODE",
      EXIT.failed,
      "NOT_CONNECTED",
    );
  }
  const profile = await profiles.find(name);
  if (profile !== null) return profile;
  const names = (await profiles.list()).map((one) => one.name);
  const known = names.length === 0 ? "there is none" : `there is ${names.join(", ")}`;
  throw new CliError(`No profile "${name}": ${known}.`, EXIT.usage, "PROFILE_UNKNOWN");
}

/** A client with a key that may do this. Throws CliError when the profile has none. */
export function clientFor(
  profile: Profile,
  scope: KeyScope,
  options: Pick<ClientOptions, "compress"> = {},
): Client {
  const { url, keys, insecure_http } = profile;
  const read = readHubUrl(url, insecure_http);
  if ("problem" in read) throw new CliError(read.problem, EXIT.denied, read.code);
  const key = keys[scope] ?? keys.admin;
  if (key !== undefined) return createClient({ url, key, ...options });
  const advice =
    scope === "admin"
      ? `Run this, and paste an admin key: wharf connect ${url} --key -`
      : `Run this with a code that allows reading: wharf connect ${url} CODE --replace`;
  throw new CliError(
    `This needs a key of the scope ${scope}, and profile "${profile.name}" has none. ${advice}`,
    EXIT.denied,
    "KEY_MISSING",
  );
}

/** Which sessions of these transcripts the hub lacks; null while it is unavailable, and without a key that may read. */
export async function hubSessionsOf(
  profile: Profile,
  found: readonly { session_id: string }[],
): Promise<HubSessions | null> {
  if (profile.keys.read === undefined && profile.keys.admin === undefined) return null;
  const ids = new Set(found.map(({ session_id }) => session_id));
  return await readHubSessions(clientFor(profile, "read").sessions, [...ids]);
}

export async function openHub(io: Io, options: HubOptions, scope: KeyScope = "read"): Promise<Client> {
  return clientFor(await requireProfile(io, options), scope);
}
