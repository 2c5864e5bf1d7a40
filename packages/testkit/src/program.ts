import { until } from "./until.ts";

const OUTPUT_DEADLINE_MS = 30_000;

export type ProgramOptions = {
  command: string[];
  cwd: string;
  /** the whole environment; ours by default */
  env?: Record<string, string | undefined>;
  /** in a process group of its own, which `killGroup` needs */
  detached?: boolean;
};

export type Program = {
  pid: number;
  /** what it has written so far */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the match in stdout or stderr; fails at the deadline, or when the program ends without it. */
  waitForOutput(pattern: RegExp, deadlineMs?: number): Promise<RegExpMatchArray>;
  kill(signal: NodeJS.Signals): void;
  killGroup(signal: NodeJS.Signals): void;
  /** its exit code, or 128 + the number of the signal that ended it; resolves once all output was read */
  exited: Promise<number>;
};

/** Spawns a real program, with all that it writes captured. */
export function spawnProgram({ command, cwd, env, detached = false }: ProgramOptions): Program {
  const child = Bun.spawn(command, {
    cwd,
    detached,
    env: env ?? process.env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = { stdout: "", stderr: "" };
  const read = Promise.all([
    capture(child.stdout, (text) => {
      output.stdout += text;
    }),
    capture(child.stderr, (text) => {
      output.stderr += text;
    }),
  ]);
  const ended = { value: false };
  const exited = child.exited.then(async (code) => {
    await read;
    ended.value = true;
    return code;
  });
  return {
    pid: child.pid,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    waitForOutput: (pattern, deadlineMs = OUTPUT_DEADLINE_MS) =>
      waitForOutput({ pattern, deadlineMs, output, ended, command }),
    kill: (signal) => child.kill(signal),
    killGroup: (signal) => {
      if (!detached) throw new Error("killGroup needs a program spawned with `detached: true`.");
      process.kill(-child.pid, signal);
    },
    exited,
  };
}

async function waitForOutput(wait: {
  pattern: RegExp;
  deadlineMs: number;
  output: { stdout: string; stderr: string };
  ended: { value: boolean };
  command: string[];
}): Promise<RegExpMatchArray> {
  const { pattern, deadlineMs, output, ended, command } = wait;
  const written = () => `${output.stdout}\n--- stderr ---\n${output.stderr}`;
  const found = await until(
    () => {
      const hadEnded = ended.value;
      const match = output.stdout.match(pattern) ?? output.stderr.match(pattern);
      return match ?? (hadEnded ? "ended" : undefined);
    },
    { deadlineMs, describe: () => `${pattern} in the output of ${command.join(" ")}:\n${written()}` },
  );
  if (found !== "ended") return found;
  throw new Error(`${command.join(" ")} ended without ${pattern} in its output:\n${written()}`);
}

async function capture(stream: ReadableStream<Uint8Array>, append: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) append(decoder.decode(chunk, { stream: true }));
}
