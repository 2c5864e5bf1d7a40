import type { Command } from "commander";
import { addKey, type Connected, enrolMachine } from "../../profiles/connect.ts";
import { readHubUrl } from "../../profiles/hub-url.ts";
import { openProfiles, PROFILE_NAME, type Profile, type Profiles } from "../../profiles/profiles.ts";
import { HubError } from "../../sdk/hub-error.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";
import { plain } from "../output/text.ts";
import { ask, askSecret, readStdin } from "../prompt.ts";
import { reportMachine } from "../sending.ts";

export type ConnectOptions = {
  json?: true;
  profile?: string;
  name?: string;
  key?: string | true;
  insecureHttp?: true;
  replace?: true;
};

/** `wharf connect URL CODE` */
export function connect(command: Command, io: Io): void {
  command
    .argument("[url]", "the hub, such as https://wharf.example.com")
    .argument("[code]", "an enrolment code; `bun run enrol` on the hub shows one")
    .option("--name <name>", "name of this device; by default its host name")
    .option("--key [key]", "add a key of the hub instead of enrolling; `-` reads it from standard input")
    .option("--profile <name>", "name of the hub on this machine; by default its host")
    .option("--insecure-http", "allow plain HTTP to another machine")
    .option("--replace", "enrol as a new device, although this machine is connected")
    .option("--json", "print JSON")
    .action(async function connectHub(
      url: string | undefined,
      code: string | undefined,
      options: ConnectOptions,
    ) {
      const hub = url ?? (await ask(io, "Address of the hub", "https://wharf.example.com", "URL"));
      const connected = await connectTo(io, hub, code, options);
      if (connected.status === "connected") await reportMachine(io, connected.profile);
      reportConnection(io, connected, options);
    });
}

/** Asks for what is missing on a terminal. Throws CliError and HubError. */
export async function connectTo(
  io: Io,
  typed: string,
  code: string | undefined,
  options: ConnectOptions,
): Promise<Connected> {
  const { replace = false, name = null } = options;
  const profiles = openProfiles(io.paths.config);
  const known = await findProfile(profiles, typed);
  const insecureHttp = options.insecureHttp === true || known?.insecure_http === true;
  const hub = readHubUrl(typed, insecureHttp);
  if ("problem" in hub) {
    throw new CliError(hub.problem, hub.code === "HTTP_REFUSED" ? EXIT.denied : EXIT.usage, hub.code);
  }
  const profileName = options.profile ?? known?.name ?? nameOf(hub.url);
  if (!PROFILE_NAME.test(profileName))
    throw new CliError(
      `"${profileName}" cannot name a profile: use letters, digits, dots and hyphens.`,
      EXIT.usage,
      "PROFILE_NAME",
    );
  const connection = { profiles, url: hub.url, profileName, insecureHttp };
  if (options.key !== undefined) {
    const key = await readKey(io, options.key);
    return await addKey(connection, { key, isNamed: options.profile !== undefined }).catch(explainKey);
  }
  const readCode = async () =>
    code ??
    (await ask(io, "Enrolment code (`bun run enrol` on the hub shows one)", "7K3M-Q9TX-40VB", "CODE"));
  return await enrolMachine(connection, { readCode, deviceName: name, isReplacing: replace }).catch(
    explainCode,
  );
}

/** The profile of a hub that is known by this address, of several the current one. */
async function findProfile(profiles: Profiles, typed: string): Promise<Profile | null> {
  const hub = readHubUrl(typed, true);
  if ("problem" in hub) return null;
  const found = (await profiles.list()).filter(({ url }) => url === hub.url);
  const current = await profiles.current();
  return found.find(({ name }) => name === current) ?? found[0] ?? null;
}

/** As JSON or in sentences. */
export function reportConnection(io: Io, connected: Connected, { json }: { json?: true }): void {
  if (json) io.json(connectionJson(connected));
  else for (const line of connectionLines(connected)) io.print(line);
}

function connectionJson({ profile, current, status }: Connected) {
  const { name, url, device, insecure_http, keys } = profile;
  return {
    status,
    profile: name,
    current_profile: current,
    url,
    device,
    insecure_http,
    scopes: Object.keys(keys),
  };
}

function connectionLines({ profile, current, status }: Connected): string[] {
  const { name, url, device, insecure_http } = profile;
  const as = device === null ? "" : ` as ${plain(device.name)}`;
  const state = {
    connected: `Connected to ${url}${as}.`,
    unchanged: `This machine is already connected to ${url}${as}. No code was used; --replace enrols as a new device.`,
    key_added: `Added the key to profile "${name}" of ${url}.`,
  }[status];
  return [
    state,
    ...(current === name
      ? []
      : [
          `Commands still use profile "${current}", as this machine is not enrolled at ${url}. Use --profile ${name}, or enrol: wharf connect ${url} CODE`,
        ]),
    ...(insecure_http ? ["Plain HTTP: keys and transcripts can be read by others on the way."] : []),
  ];
}

/** The host, with a port that the address names. */
function nameOf(url: string): string {
  const { hostname, port } = new URL(url);
  const host = hostname.replaceAll(/[^A-Za-z0-9.-]/g, "-").replace(/^-+/, "");
  return port === "" ? host : `${host}-${port}`;
}

async function readKey(io: Io, given: string | true): Promise<string> {
  const isAsked = given === true || (given === "-" && io.isInteractive);
  const key = isAsked ? await askSecret(io, "Key", "--key") : given === "-" ? await readStdin() : given;
  if (key.trim() === "") throw new CliError("The key is empty.", EXIT.usage, "KEY_EMPTY");
  return key.trim();
}

function explainKey(error: unknown): never {
  if (!(error instanceof HubError) || error.status !== 401) throw error;
  throw new CliError("The hub does not know this key. Nothing was saved.", EXIT.denied, error.code);
}

function explainCode(error: unknown): never {
  if (!(error instanceof HubError) || error.code !== "ENROLMENT_CODE_REFUSED") throw error;
  const message =
    "The hub refused the code: a code works once, for ten minutes. Get a new one by `bun run enrol` on the hub.";
  throw new CliError(message, EXIT.denied, error.code);
}
