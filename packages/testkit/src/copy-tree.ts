import { existsSync } from "node:fs";
import { cp, mkdir, readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../../..");
const NOT_COPIED = new Set(["node_modules", ".git", ".wharf", "dist", ".env"]);

/** Copies the checkout's files, as a clone with the present changes would have them, into `destination`. */
export async function copyTree(destination: string): Promise<void> {
  for (const file of (await filesOfGit()) ?? (await walk(""))) {
    // A file that was deleted and not committed is still listed.
    if (!existsSync(join(ROOT, file))) continue;
    const target = join(destination, file);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(ROOT, file), target);
  }
}

async function filesOfGit(): Promise<string[] | undefined> {
  if (!Bun.which("git") || !existsSync(join(ROOT, ".git"))) return undefined;
  const command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const child = Bun.spawn(command, { cwd: ROOT, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const text = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? text.split("\0").filter(Boolean) : undefined;
}

async function walk(dir: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, dir), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => !NOT_COPIED.has(name))
      .map(async (entry) => {
        const path = join(dir, entry.name);
        return entry.isDirectory() ? walk(path) : [path];
      }),
  );
  return found.flat();
}
