import { ConnectionStringError } from "./connection-error.ts";

/** `host` is a name, an address without brackets, or, with a slash at its start, the folder of a Unix socket. */
export type HostAndPort = { host: string; port: number };

/** The parts of a connection string: undefined for missing ones, an empty list without a host. */
export type ConnectionParts = {
  hosts: readonly HostAndPort[];
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  parameters: ReadonlyMap<string, string>;
};

/** user:password@ up to the last @, hosts, /database, ?parameters. */
const CONNECTION_STRING = /^postgres(?:ql)?:\/\/(?:([^/?]*)@)?([^/?@]*)(?:\/([^?]*))?(?:\?(.*))?$/s;
const HOST_AND_PORT = /^(?:\[([^[\]]+)\]|([^:[\]]*))(?::(\d*))?$/;
const DEFAULT_PORT = 5432;
const PORT_MAX = 65_535;

/**
 * Splits a connection URI like libpq: several hosts, IPv6 addresses in brackets, percent-encoded parts, and hosts, user, password
 * and database also as parameters, which take precedence. Throws ConnectionStringError.
 */
export function readParts(text: string): ConnectionParts {
  const match = CONNECTION_STRING.exec(text.trim());
  if (match === null) {
    throw new ConnectionStringError("expected postgres://USER:PASSWORD@HOST:PORT/DATABASE");
  }
  const [, credentials = "", authority = "", path = "", query = ""] = match;
  const parameters = readParameters(query);
  const colon = credentials.includes(":") ? credentials.indexOf(":") : credentials.length;
  return {
    hosts: readHosts(authority, parameters),
    user: parameters.get("user") ?? decoded(credentials.slice(0, colon), "user"),
    password: parameters.get("password") ?? decoded(credentials.slice(colon + 1), "password"),
    database: parameters.get("dbname") ?? decoded(path, "database"),
    parameters,
  };
}

function readParameters(query: string): Map<string, string> {
  const pairs = query.split("&").filter((pair) => pair !== "");
  return new Map(
    pairs.map((pair) => {
      const [name = "", ...value] = pair.split("=");
      const key = decoded(name, "parameters") ?? "";
      return [key, decoded(value.join("="), `parameter ${key}`) ?? ""];
    }),
  );
}

function readHosts(authority: string, parameters: ReadonlyMap<string, string>): HostAndPort[] {
  const listed = parameters.get("host");
  const ports = parameters.get("port")?.split(",");
  const hosts =
    listed === undefined
      ? authority.split(",").map(readHost)
      : listed.split(",").map((host) => ({ host, port: undefined }));
  if (hosts.every(({ host, port }) => host === "" && port === undefined) && ports === undefined) return [];
  return hosts.map(({ host, port }, index) => ({
    host: host === "" ? "localhost" : host,
    port: readPort(ports?.[ports.length === 1 ? 0 : index] ?? port),
  }));
}

function readHost(text: string): { host: string; port: string | undefined } {
  const match = HOST_AND_PORT.exec(text);
  if (match === null) {
    const hint = "an IPv6 address stands in brackets, and / ? @ : % in a password are percent-encoded";
    throw new ConnectionStringError(`the host cannot be read: ${hint}`);
  }
  const [, address, name = "", port] = match;
  return { host: decoded(address ?? name, "host") ?? "", port };
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === "") return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= PORT_MAX) return port;
  throw new ConnectionStringError(`the port must be a number from 1 to ${PORT_MAX}`);
}

/** Undefined for an empty text. */
function decoded(text: string, what: string): string | undefined {
  try {
    return text === "" ? undefined : decodeURIComponent(text);
  } catch {
    throw new ConnectionStringError(`the ${what} has a % that starts no code: write % as %25`);
  }
}
