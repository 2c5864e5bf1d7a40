import type { FileWrite } from "./describe-call.ts";

const FILE = /^\*\*\* (?:Add|Update|Delete) File: (.+)$/;
const MOVED = /^\*\*\* Move to: (.+)$/;

/** The files of a patch in the form `*** Begin Patch … *** Update File: path … *** End Patch`. A moved file has its new path. */
export function readPatch(patch: string): FileWrite[] {
  const writes: { path: string; added: number; removed: number }[] = [];
  for (const line of patch.split("\n")) {
    const path = FILE.exec(line)?.[1]?.trim();
    if (path !== undefined) {
      writes.push({ path, added: 0, removed: 0 });
      continue;
    }
    const write = writes.at(-1);
    if (write === undefined) continue;
    const moved = MOVED.exec(line)?.[1]?.trim();
    if (moved !== undefined) write.path = moved;
    else if (line.startsWith("+")) write.added += 1;
    else if (line.startsWith("-")) write.removed += 1;
  }
  return writes;
}
