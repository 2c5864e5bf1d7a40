import { readFileSync } from "node:fs";

export type Child = { pid: number; stop(): Promise<void>; line: string };

/** Starts a program and waits for the first line of its output that matches. */
export async function startProgram(
  command: string[],
  matching: RegExp,
  environment: Record<string, string> = {},
): Promise<Child> {
  const child = Bun.spawn(command, {
    stdout: "pipe",
    stderr: "inherit",
    stdin: "ignore",
    env: { ...process.env, ...environment },
  });
  const line = await firstLine(child.stdout, matching);
  return {
    pid: child.pid,
    line,
    stop: async () => {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

async function firstLine(stream: ReadableStream<Uint8Array>, matching: RegExp): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the program ended before it printed ${matching}: ${text}`);
    text += decoder.decode(value, { stream: true });
    const found = text
      .split("\n")
      .slice(0, -1)
      .find((line) => matching.test(line));
    if (found === undefined) continue;
    // Keep reading, so that the program never blocks on a full pipe.
    void (async () => {
      while (!(await reader.read()).done);
    })();
    return found;
  }
}

/** User and system seconds that a process has used. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The most memory that a process has had resident, in MB. */
export function peakMemoryMb(pid: number): number {
  return Math.round(statusMb(pid, "VmHWM"));
}

/** The memory that a process has resident, in MB. */
export function memoryMb(pid: number): number {
  return statusMb(pid, "VmRSS");
}

function statusMb(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1];
  return Number(kilobytes) / 1024;
}
