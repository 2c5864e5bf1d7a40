export type BunVerdict = { isUsable: boolean; message: string };

/**
 * Whether this version of Bun can run Wharf, and one line to show when it is not the version that Wharf is tested with.
 * `command` is what was called, such as "start". Both versions are "1.4.5"-like; what follows a hyphen is left out.
 */
export function judgeBun(version: string, wanted: string, command: string): BunVerdict | null {
  const order = compare(version, wanted);
  if (order === 0) return null;
  if (order > 0) {
    return { isUsable: true, message: `This is Bun ${version}. Wharf is tested with Bun ${wanted}.` };
  }
  const message =
    `Wharf requires Bun ${wanted}, and this is Bun ${version}. Run it with: npx -y bun@${wanted} ${command}\n` +
    `Or install that version: npm install -g bun@${wanted}`;
  return { isUsable: false, message };
}

function compare(one: string, other: string): number {
  const [ones, others] = [numbers(one), numbers(other)];
  const difference = ones.map((number, index) => number - (others[index] ?? 0)).find((by) => by !== 0);
  return difference ?? 0;
}

function numbers(version: string): number[] {
  return version.split("-", 1).flatMap((release) => release.split(".").map(Number));
}
