import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeyScope } from "@wharf/protocol";

/** A hub that this machine is connected to. */
export type Profile = {
  name: string;
  url: string;
  /** Plain HTTP to another machine is allowed. */
  insecure_http: boolean;
  /** As this machine is known to the hub; null without enrolment. */
  device: { id: string; name: string } | null;
  keys: Partial<Record<KeyScope, string>>;
  /** For the markers in place of secrets; null without enrolment. */
  redaction_secret: string | null;
  connected_at: string;
};

export type Profiles = {
  /** Of the files. */
  directory: string;
  /** Sorted by name; files that cannot be read as a profile are left out. */
  list(): Promise<Profile[]>;
  /** Null when there is none of this name. Throws ProfileError when its file cannot be used. */
  find(name: string): Promise<Profile | null>;
  /** The name of the profile that commands use without --profile; null before the first. */
  current(): Promise<string | null>;
  /** The file is replaced as a whole, with mode 0600. */
  save(profile: Profile): Promise<void>;
  use(name: string): Promise<void>;
  /** Creates the directory; throws the file system's error when nothing can be written to it. */
  requireWritable(): Promise<void>;
  remove(name: string): Promise<void>;
  fileOf(name: string): string;
};

/** `message` states what is wrong with a file and what to do. */
export class ProfileError extends Error {
  override readonly name = "ProfileError";
}

export const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const EXTENSION = ".json";
const OWNER_FILE = 0o600;
const OWNER_DIRECTORY = 0o700;
const OTHERS = 0o077;

/** Profiles in `directory` (~/.config/wharf): one file each in `profiles/`, and the name of the current one in `current`. */
export function openProfiles(directory: string): Profiles {
  const folder = join(directory, "profiles");
  const currentFile = join(directory, "current");
  const fileOf = (name: string) => join(folder, `${name}${EXTENSION}`);

  async function find(name: string): Promise<Profile | null> {
    if (!PROFILE_NAME.test(name)) return null;
    const file = fileOf(name);
    const text = await readFile(file, "utf8").catch(nullIfMissing);
    if (text === null) return null;
    const { mode } = await stat(file);
    if (process.platform !== "win32" && (mode & OTHERS) !== 0) {
      throw new ProfileError(`${file} holds keys and is open to other users. Run: chmod 600 ${file}`);
    }
    const profile = parse(text);
    if (profile === null) {
      throw new ProfileError(`${file} is damaged. Delete it, and run: wharf connect URL CODE`);
    }
    return { ...profile, name };
  }

  async function list(): Promise<Profile[]> {
    const files = (await readdir(folder).catch(nullIfMissing)) ?? [];
    const names = files
      .filter((file) => file.endsWith(EXTENSION))
      .map((file) => file.slice(0, -EXTENSION.length));
    const found = await Promise.all(names.sort().map((name) => find(name).catch(() => null)));
    return found.filter((profile) => profile !== null);
  }

  async function requireWritable(): Promise<void> {
    await mkdir(folder, { recursive: true, mode: OWNER_DIRECTORY });
    const probe = join(folder, `.${process.pid}.probe`);
    await writeFile(probe, "", { mode: OWNER_FILE });
    await rm(probe);
  }

  async function save({ name, ...profile }: Profile): Promise<void> {
    await mkdir(folder, { recursive: true, mode: OWNER_DIRECTORY });
    await replaceFile(fileOf(name), `${JSON.stringify(profile, null, 2)}\n`);
    if ((await current()) === null) await use(name);
  }

  async function current(): Promise<string | null> {
    return (await readFile(currentFile, "utf8").catch(nullIfMissing))?.trim() || null;
  }

  async function use(name: string): Promise<void> {
    await replaceFile(currentFile, `${name}\n`);
  }

  async function remove(name: string): Promise<void> {
    await rm(fileOf(name), { force: true });
    if ((await current()) !== name) return;
    const [next] = await list();
    if (next === undefined) await rm(currentFile, { force: true });
    else await use(next.name);
  }

  return { directory: folder, list, find, current, save, use, requireWritable, remove, fileOf };
}

/** Written next to it, then renamed: a reader sees the old file or the new one. */
async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, text, { mode: OWNER_FILE });
  // The mode of a file that was there already is kept by writeFile.
  await chmod(draft, OWNER_FILE);
  await rename(draft, file);
}

function parse(text: string): Omit<Profile, "name"> | null {
  try {
    const value: Partial<Profile> | null = JSON.parse(text);
    if (typeof value?.url !== "string" || typeof value.keys !== "object") return null;
    return {
      url: value.url,
      insecure_http: value.insecure_http === true,
      device: value.device ?? null,
      keys: value.keys,
      redaction_secret: value.redaction_secret ?? null,
      connected_at: value.connected_at ?? "",
    };
  } catch {
    return null;
  }
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
  throw error;
}
