import { EmbeddedPostgresError } from "./errors.ts";
import type { Owner } from "./owner.ts";

export type Run = { command: string[]; cwd: string; owner: Owner | undefined; input?: string };
export type RunResult = { code: number; output: string };

/**
 * Runs a Postgres program to its end, in a session of its own: a Ctrl-C in our terminal must not end it.
 * The environment is empty but for the locale, so that no PGDATA or PGPORT of the caller has a say
 * and messages are in English; `cwd` is a folder that the owner can enter.
 */
export async function run({ command, cwd, owner, input }: Run): Promise<RunResult> {
  const child = Bun.spawn(command, {
    cwd,
    detached: true,
    env: { LC_ALL: "C" },
    stdin: input === undefined ? "ignore" : Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
    ...(owner ? { uid: owner.uid, gid: owner.gid } : {}),
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, output: `${stdout}${stderr}`.trim() };
}

/** As `run`, for a program whose failure cannot be gone on from. */
export async function runOrThrow(options: Run, task: string): Promise<string> {
  const { code, output } = await run(options);
  if (code === 0) return output;
  throw new EmbeddedPostgresError(`The embedded Postgres could not ${task} (exit code ${code}): ${output}`);
}
