/** Names of this length or less are too short to tell a slip from another name. */
const SHORT_CHARACTERS_MAX = 2;
const EDITS_MAX = 2;

/** The one of `names` that `name` is likely meant to be: `deviceId` is device_id, `group_by` is group. Null: none is near. */
export function similarName(name: string, names: readonly string[]): string | null {
  const near = names
    .filter((known) => known.length > SHORT_CHARACTERS_MAX)
    .map((known) => ({ known, edits: isExtended(name, known) ? 0 : edits(plain(name), plain(known)) }))
    .filter(({ known, edits }) => edits <= Math.min(EDITS_MAX, known.length / 2))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.known ?? null;
}

function isExtended(name: string, known: string): boolean {
  return name.startsWith(`${known}_`) || known.startsWith(`${name}_`);
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

/** Characters to insert, delete or replace; names that differ by more in length are not compared. */
function edits(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > EDITS_MAX) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const replaced = (row[j] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
