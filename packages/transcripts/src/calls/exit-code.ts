/** How agents state the exit code of a command in its result. */
const STATED: readonly RegExp[] = [
  /^Exit code:? (-?\d{1,10})\b/,
  /^Process exited with code (-?\d{1,10})\b/m,
  /^Exit Code: (-?\d{1,10})\b/m,
];

/** null: the result does not state one. An error without a code is not told apart from a refused call. */
export function exitCodeOf(result: string): number | null {
  for (const pattern of STATED) {
    const code = pattern.exec(result)?.[1];
    if (code !== undefined) return Number(code);
  }
  return null;
}
