import { networkInterfaces } from "node:os";
import type { Config } from "../config.ts";
import { resolveFromRoot } from "../environment.ts";
import { isLoopback } from "../loopback.ts";
import { readServerAddress } from "../server-address.ts";
import { CommandError } from "./command-error.ts";

/** The value of --url. Throws CommandError. */
export function readUrl(typed: string): URL {
  if (!URL.canParse(typed) || !/^https?:$/.test(new URL(typed).protocol))
    throw new CommandError(`--url "${typed}" is not an address like https://wharf.example.com.`, 2);
  return new URL(typed);
}

/** The address of the running server, which can have another HOST and PORT than this command. */
export async function ownUrl(config: Config): Promise<URL> {
  const isEmbedded = config.databaseUrl === undefined;
  const running = isEmbedded ? await readServerAddress(resolveFromRoot(config.dataDir)) : null;
  const { host, port } = running ?? config;
  const isEverywhere = host === "::" || host === "0.0.0.0";
  const name = isLoopback(host) ? "localhost" : isEverywhere ? networkAddress() : host;
  return new URL(`http://${name.includes(":") ? `[${name}]` : name}:${port}`);
}

/** The first IPv4 address of this machine in a network. */
function networkAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "localhost";
}
