import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { nullIfMissing, readState, writeDurably } from "./files.ts";

/** What is kept apart: `event` is what the hub refused, `input` what a hook received. */
export type Rejected = { name: string; reason: string; rejected_at: string; event?: unknown; input?: string };

/** The same name a second time is the same event: the file is replaced. */
export async function keepRejected(directory: string, { name, ...rejected }: Rejected): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeDurably(join(directory, `${name}.json`), `${JSON.stringify(rejected)}\n`);
}

/** Oldest first. */
export async function listRejected(directory: string): Promise<Rejected[]> {
  const names = (await readdir(directory).catch(nullIfMissing)) ?? [];
  const listed: Rejected[] = [];
  for (const file of names.filter((name) => name.endsWith(".json") && !name.startsWith("."))) {
    const rejected = await readState<Omit<Rejected, "name">>(join(directory, file));
    if (rejected !== null) listed.push({ name: file.slice(0, -".json".length), ...rejected });
  }
  return listed.sort((a, b) => a.rejected_at.localeCompare(b.rejected_at));
}
