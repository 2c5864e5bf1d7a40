import { chmod, mkdir } from "node:fs/promises";
import { EmbeddedPostgresError } from "./errors.ts";

/** Where a Postgres started by root keeps its files: folders that a user without rights can enter. */
export const SYSTEM_DIR = "/var/lib/wharf";

/** The user that Postgres runs as when we are root, since Postgres refuses to run as root. */
export type Owner = { name: string; uid: number; gid: number };

/** `undefined` when Postgres runs as the user that we are. */
export async function findOwner(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = (await lookUpUser("postgres")) ?? (await lookUpUser("nobody"));
  if (owner) return owner;
  throw new EmbeddedPostgresError(
    "Postgres refuses to run as root, and this machine has neither a postgres nor a nobody user. Start as another user, or set DATABASE_URL.",
  );
}

/** The mode is set apart from the making, which a umask of 077 would narrow. */
export async function prepareSystemDir(): Promise<void> {
  await mkdir(SYSTEM_DIR, { recursive: true });
  await chmod(SYSTEM_DIR, 0o755);
}

async function lookUpUser(name: string): Promise<Owner | undefined> {
  const [uid, gid] = await Promise.all([idOf("-u", name), idOf("-g", name)]);
  return uid === undefined || gid === undefined ? undefined : { name, uid, gid };
}

async function idOf(flag: "-u" | "-g", name: string): Promise<number | undefined> {
  const child = Bun.spawn(["id", flag, name], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const text = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? Number(text) : undefined;
}
