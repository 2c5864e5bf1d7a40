/**
 * Loaded by Bun and Node before the client, so that its changes of files and its requests fail where a test wants it:
 * - KILL_AT=n: the process is killed in place of the n-th step. A step is a change of a file, half of a written file, or a request.
 * - WRITES_FAIL=path: while this file exists, files cannot be written, with the error code that it contains.
 */
import { existsSync, readFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import files from "node:fs/promises";
import { Server } from "node:net";

type Action = (...given: unknown[]) => Promise<unknown>;

const killAt = Number(process.env["KILL_AT"]);
const flag = process.env["WRITES_FAIL"] ?? "";
let steps = 0;

function isLast(): boolean {
  steps += 1;
  return steps === killAt;
}

function step(): void {
  if (isLast()) process.kill(process.pid, "SIGKILL");
}

/** As the system reports it: on a full disk files are still opened, renamed and removed, and a failed write does not name its file. */
function failIfWanted(syscall: "write" | "mkdir" | "open" | "rename" | "unlink", path: string): void {
  if (flag === "" || !existsSync(flag)) return;
  const code = readFileSync(flag, "utf8");
  const isFull = code === "ENOSPC";
  if (isFull && syscall !== "write" && syscall !== "mkdir") return;
  if (existsSync(path) ? syscall === "mkdir" : syscall === "unlink") return;
  const place = isFull && syscall === "write" ? {} : { path };
  throw Object.assign(new Error(`${code}: ${syscall}`), { code, syscall, errno: -1, ...place });
}

function changing(syscall: Parameters<typeof failIfWanted>[0], act: Action): Action {
  return async (...given) => {
    step();
    failIfWanted(syscall, String(given[0]));
    return await act(...given);
  };
}

const { open, mkdir, rename, rm, writeFile } = files;

async function openFaulty(...given: Parameters<typeof open>): Promise<FileHandle> {
  const isRead = given[1] === undefined || given[1] === "r";
  if (!isRead) {
    step();
    failIfWanted("open", String(given[0]));
  }
  const handle = await open(...given);
  if (isRead) return handle;
  const write = handle.writeFile.bind(handle);
  const writeFaulty: typeof handle.writeFile = async (content, encoding) => {
    step();
    failIfWanted("write", String(given[0]));
    if (isLast() && (typeof content === "string" || content instanceof Uint8Array)) {
      await write(content.slice(0, content.length / 2));
      process.kill(process.pid, "SIGKILL");
    }
    await write(content, encoding);
  };
  return Object.assign(handle, { writeFile: writeFaulty });
}

Object.assign(files, {
  open: openFaulty,
  mkdir: changing("mkdir", mkdir as Action),
  rename: changing("rename", rename as Action),
  rm: changing("unlink", rm as Action),
  writeFile: changing("write", writeFile as Action),
});

const { listen } = Server.prototype;
Server.prototype.listen = function listenFaulty(this: Server, ...given: unknown[]) {
  step();
  return Reflect.apply(listen, this, given);
};

const send = globalThis.fetch;
globalThis.fetch = Object.assign(
  async (...given: Parameters<typeof fetch>) => {
    step();
    return await send(...given);
  },
  { preconnect: send.preconnect },
);
