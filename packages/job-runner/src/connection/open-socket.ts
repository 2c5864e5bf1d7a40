import { connect, isIP, Socket } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import type { HostAndPort } from "./connection-parts.ts";
import type { TlsPolicy } from "./tls.ts";

export type SocketOptions = {
  hosts: readonly HostAndPort[];
  tls: TlsPolicy | null;
  timeoutMs: number;
  /** Each socket starts with the host after the previous one: the driver retries when a host has the wrong role. */
  rotates: boolean;
};

/** The message that asks the server for TLS, and the byte with which it agrees. */
const TLS_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const ROTATION_PAUSE_MS = 500;
const TLS_OFFERED = "S".charCodeAt(0);

/**
 * Opens sockets for the driver. Its own code never ends when all of several hosts are unavailable, starts TLS with servers that
 * have refused it, and does not check certificates against the name of the second host. The socket of a failure is destroyed
 * with its error when the driver listens to it: a factory that throws occupies a connection of the pool permanently.
 */
export function createSocketFactory({
  hosts,
  tls,
  timeoutMs,
  rotates,
}: SocketOptions): () => Promise<Socket> {
  let next = 0;

  async function open(): Promise<Socket> {
    const first = rotates ? next++ : 0;
    let failure: unknown = codedError("ECONNREFUSED", "no host to connect to");
    for (let index = 0; index < hosts.length; index++) {
      const target = hosts[(first + index) % hosts.length];
      if (target === undefined) break;
      try {
        return await openOne(target, tls, timeoutMs);
      } catch (error) {
        failure = error;
      }
    }
    // The driver would retry immediately and endlessly.
    if (rotates) await new Promise((resolve) => setTimeout(resolve, ROTATION_PAUSE_MS));
    return failedSocket(failure);
  }

  return open;
}

function failedSocket(failure: unknown): Socket {
  const socket = new Socket();
  const error = failure instanceof Error ? failure : codedError("ECONNREFUSED", "no connection");
  setImmediate(() => socket.destroy(error));
  return socket;
}

async function openOne(target: HostAndPort, policy: TlsPolicy | null, timeoutMs: number): Promise<Socket> {
  const isLocal = target.host.startsWith("/");
  const socket = isLocal
    ? connect({ path: `${target.host}/.s.PGSQL.${target.port}` })
    : connect({ host: target.host, port: target.port });
  const timer = setTimeout(
    () => socket.destroy(codedError("CONNECT_TIMEOUT", `no answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    await once(socket, "connect");
    // Like libpq: a Unix socket needs no TLS.
    if (policy === null || isLocal) return socket;
    socket.write(TLS_REQUEST);
    const answer = await once(socket, "data");
    if (answer?.[0] === TLS_OFFERED) return await secure(socket, target.host, policy);
    if (policy.isRequired) throw codedError("TLS_NOT_OFFERED", "the server does not support TLS");
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function secure(
  socket: Socket,
  host: string,
  { accepts, files, passphrase }: TlsPolicy,
): Promise<Socket> {
  const secured = connectTls({
    socket,
    ...files,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: accepts !== "any",
    checkServerIdentity: (_, certificate) =>
      accepts === "trusted-and-named" ? checkServerIdentity(host, certificate) : undefined,
  });
  await once(secured, "secureConnect");
  return secured;
}

/** The value of the event; throws the socket's error, also if it closes first. */
function once(socket: Socket, event: "connect" | "data" | "secureConnect"): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const onClose = () => reject(codedError("ECONNRESET", "the server closed the connection"));
    const stop = () => socket.off("error", onError).off("close", onClose).off(event, onEvent);
    const onError = (error: Error) => {
      stop();
      reject(error);
    };
    const onEvent = (value?: Buffer) => {
      stop();
      resolve(value);
    };
    socket.on("error", onError).on("close", onClose).on(event, onEvent);
  });
}

function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
