import { createHash } from "node:crypto";
import { rename, rm, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nullIfMissing } from "../spool/files.ts";

export type SenderLock = {
  /** False after another sender took over: two that found the same dead sender. The later one stays. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
};

/** Of a socket's path on macOS; Linux takes four more. */
const SOCKET_PATH_BYTES_MAX = 103 - "-0123456".length;

/**
 * One sender per machine: it listens on a Unix socket, which the kernel closes with its process, however that ends. Null when another
 * one runs. Two at the same time do no harm: events and parts of files that are sent twice are stored once.
 */
export async function takeLock(socket: string): Promise<SenderLock | null> {
  const place = shortened(socket);
  if (await isListening(place)) return null;
  const own = `${place}-${process.pid % 10_000_000}`;
  await rm(own, { force: true });
  const server = await listen(own);
  const { ino } = await stat(own);
  // Takes the place of a dead socket. The inode stays that of ours.
  await rename(own, place);
  const inode = async () => (await stat(place).catch(nullIfMissing))?.ino;
  return {
    isHeld: async () => (await inode()) === ino,
    async release() {
      if ((await inode()) === ino) await rm(place, { force: true });
      server.close();
    },
  };
}

/** A sender of this machine runs. Its process number alone can belong to another program after it was killed. */
export function isSenderRunning(socket: string): Promise<boolean> {
  return isListening(shortened(socket));
}

/** How a connection fails that a process took, or will take. */
const ALIVE: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "EAGAIN"]);

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const answer = (value: boolean) => {
      probe.destroy();
      resolve(value);
    };
    probe.once("connect", () => answer(true));
    probe.once("error", ({ code }: NodeJS.ErrnoException) => answer(ALIVE.has(code ?? "")));
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((client) => client.end());
    server.once("error", reject);
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** A home whose path is too long for a socket gets one in the directory for temporary files. */
function shortened(path: string): string {
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
  return join(tmpdir(), `wharf-${createHash("sha256").update(path).digest("hex").slice(0, 16)}.sock`);
}
