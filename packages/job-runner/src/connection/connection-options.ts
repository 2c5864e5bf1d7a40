import type { Socket } from "node:net";
import { type ConnectionParts, type HostAndPort, readParts } from "./connection-parts.ts";
import { createSocketFactory } from "./open-socket.ts";
import { ignoredOf, isPooled, keepAliveOf, prepareOf, settingsOf } from "./parameters.ts";
import { readSessionRole, type SessionRole } from "./session-role.ts";
import { readTlsPolicy } from "./tls.ts";

export { ConnectionStringError } from "./connection-error.ts";

type Address = {
  host?: string[];
  port?: number[];
  /** Of a Unix socket. */
  path?: string;
  /** Opens the connection instead of the driver: with TLS, to the first of several hosts that responds. */
  socket?: () => Promise<Socket>;
};

export type ConnectionReading = {
  /** Options for the driver, to be spread before those of a pool. Its types have neither lists of hosts nor `socket`. */
  options: object;
  /** Settings of Postgres for each session, for the driver's `connection`. */
  settings: Record<string, string>;
  /** The address is a pooler in transaction mode (`pgbouncer=true`): a connection sets nothing at its start, and prepares nothing. */
  isPooled: boolean;
  /** Names of parameters that have no effect. */
  ignored: string[];
  /** Hosts and ports, such as "db1:5432,[::1]:5432": without secrets. Empty if the string names no host. */
  address: string;
};

const CONNECT_TIMEOUT_S = 10;
const LOCAL: HostAndPort = { host: "localhost", port: 5432 };

/**
 * Reads a connection URI like libpq, for the server, its commands and the job engine. The driver's own parser sends unknown
 * parameters to Postgres, which then rejects the connection, and cuts an IPv6 address at its first colon.
 * Throws ConnectionStringError.
 */
export function readConnectionString(text: string): ConnectionReading {
  const parts = readParts(text);
  const { parameters } = parts;
  const connectTimeoutS = Number(parameters.get("connect_timeout")) || undefined;
  const role = readSessionRole(parameters.get("target_session_attrs"));
  const options = {
    ...addressOf(parts, role, connectTimeoutS ?? CONNECT_TIMEOUT_S),
    ...(parts.user === undefined ? {} : { user: parts.user }),
    ...(parts.password === undefined ? {} : { password: parts.password }),
    ...(parts.database === undefined ? {} : { database: parts.database }),
    ssl: false,
    ...(role === undefined ? {} : { target_session_attrs: role }),
    ...(connectTimeoutS === undefined ? {} : { connect_timeout: connectTimeoutS }),
    ...keepAliveOf(parameters),
    ...prepareOf(parameters),
  };
  return {
    options,
    settings: settingsOf(parameters),
    isPooled: isPooled(parameters),
    ignored: ignoredOf(parameters),
    address: parts.hosts.map(textOf).join(","),
  };
}

function textOf({ host, port }: HostAndPort): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function addressOf(parts: ConnectionParts, role: SessionRole | undefined, timeout_s: number): Address {
  const tls = readTlsPolicy(parts.parameters);
  const hosts = parts.hosts.length === 0 && tls !== null ? [LOCAL] : parts.hosts;
  const [first] = hosts;
  if (first === undefined) return {};
  if (tls === null && hosts.length === 1) {
    const path = first.host.startsWith("/") ? { path: `${first.host}/.s.PGSQL.${first.port}` } : {};
    return { host: [first.host], port: [first.port], ...path };
  }
  const rotates = role !== undefined && hosts.length > 1;
  // With several hosts the driver retries a failure endlessly, so it gets them only if it has to retry.
  const told = rotates ? hosts : [first];
  return {
    host: told.map(({ host }) => host),
    port: told.map(({ port }) => port),
    socket: createSocketFactory({ hosts, tls, timeoutMs: timeout_s * 1000, rotates }),
  };
}
