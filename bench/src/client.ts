/**
 * Measures the device client: the hook scripts, the time from a line of a transcript to the hub, a backfill, and the start of commands.
 * Usage: bun run bench:client [--runs N] [--lines N] [--mb N]
 */
import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { pathsOf } from "../../packages/client/src/cli/environment.ts";
import { writeScripts } from "../../packages/client/src/hooks/write-scripts.ts";
import { installProgram, makeDirectories, programFiles } from "../../packages/client/src/install/program.ts";
import { buildBundle } from "../../packages/client/src/served/index.ts";
import { startTarget, type Target } from "./bodies/target.ts";
import { turnsOf } from "./parse/transcript.ts";
import { cpuSeconds } from "./processes.ts";
import { percentile, progress, report, rounded } from "./report.ts";
import { sized } from "./scale.ts";
import { ADMIN_KEY } from "./server.ts";

const MB = 1_000_000;
const SESSION_MB = sized(10, 1);
const STARTS = sized(20, 2);
const SESSION = "3f6b1f0e-8f55-4a26-9d3c-0c9f5a7e2b41";
const SEEN_DEADLINE_MS = 20_000;
const INPUT = JSON.stringify({
  session_id: SESSION,
  transcript_path: `/home/ada/.claude/projects/-home-ada-site/${SESSION}.jsonl`,
  cwd: "/home/ada/site",
  hook_event_name: "UserPromptSubmit",
  prompt: "Greet the visitor by name, and add a test for visitors without one. ".repeat(5),
});

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: String(sized(1_000, 20)) },
    lines: { type: "string", default: String(sized(100, 5)) },
    mb: { type: "string", default: String(sized(200, 2)) },
  },
});
const [runs, lines, mb] = [Number(options.runs), Number(options.lines), Number(options.mb)];

const home = await mkdtemp(join(tmpdir(), "wharf-bench-client-"));
try {
  const hooks = await measureHooks();
  const target = await startTarget();
  try {
    const machine = await connect(target);
    const backfill = await measureBackfill(target, machine);
    const tail = await measureTail(target, machine);
    const starts = measureStarts(machine);
    report({ ...hooks, ...tail, ...backfill, ...starts, runs, lines, mb });
  } finally {
    await target.stop();
  }
} finally {
  await rm(home, { recursive: true, force: true });
}

/** In turn with an empty program, so that the load of the machine counts for all. */
async function measureHooks(): Promise<Record<string, number>> {
  const data = join(home, "hooks data");
  await mkdir(data);
  await writeScripts({ data, command: "/bin/true" });
  const script = join(data, "hooks/claude-code.sh");
  const pid = join(data, "sender.pid");
  const [empty, running, idle]: [number[], number[], number[]] = [[], [], []];
  for (let run = 0; run < runs; run++) {
    if (run % 100 === 0) progress(`hooks ${run}/${runs}`);
    empty.push(timed(["/bin/true"]));
    await writeFile(pid, `${process.pid}\n`);
    running.push(timed([script]));
    await rm(pid);
    idle.push(timed([script]));
  }
  return {
    hook_ms_p50: rounded(percentile(running, 0.5)),
    hook_ms_p99: rounded(percentile(running, 0.99)),
    hook_without_sender_ms_p50: rounded(percentile(idle, 0.5)),
    hook_without_sender_ms_p99: rounded(percentile(idle, 0.99)),
    empty_program_ms_p50: rounded(percentile(empty, 0.5)),
    empty_program_ms_p99: rounded(percentile(empty, 0.99)),
  };
}

function timed(command: string[], env: Record<string, string | undefined> = process.env): number {
  const from = performance.now();
  const { exitCode } = Bun.spawnSync(command, {
    stdin: Buffer.from(INPUT),
    stdout: "ignore",
    stderr: "ignore",
    env,
  });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}`);
  return performance.now() - from;
}

type Machine = { program: string; shim: string; env: Record<string, string | undefined>; url: string };

async function connect({ port }: Target): Promise<Machine> {
  const url = `http://127.0.0.1:${port}`;
  const env = { PATH: process.env["PATH"], HOME: home };
  const paths = pathsOf(env);
  await makeDirectories(paths);
  await installProgram(paths, (await buildBundle()).text, process.execPath);
  const { program, shim } = programFiles(paths);
  const { code } = await asAdmin(url, "POST", "/api/devices/enrolment-codes");
  timed([process.execPath, program, "connect", url, String(code), "--name", "bench"], env);
  return { program, shim, env, url };
}

async function asAdmin(url: string, method: string, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  const body: unknown = await response.json();
  return typeof body === "object" && body !== null ? { ...body } : {};
}

/** CPU of the client compared with that of the hub without Postgres, which also parses meanwhile. */
async function measureBackfill(target: Target, { program, env }: Machine): Promise<Record<string, number>> {
  for (let made = 0; made < mb; made += SESSION_MB) {
    const path = join(home, `.claude/projects/-home-ada-site/backfill-${made}.jsonl`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, [...turnsOf(`backfill-${made}`, SESSION_MB * MB)].join(""));
  }
  progress("backfill");
  const [hub_s, from] = [cpuSeconds(target.pid), performance.now()];
  const child = Bun.spawnSync([process.execPath, program, "backfill", "--json"], { env, stderr: "inherit" });
  const wall_s = (performance.now() - from) / 1000;
  const client_s = Number(child.resourceUsage.cpuTime.total) / 1e6;
  const { result } = JSON.parse(child.stdout.toString());
  return {
    backfill_mb_per_s: rounded(result.bytes / MB / wall_s),
    backfill_client_cpu_s: rounded(client_s),
    backfill_hub_cpu_s: rounded(cpuSeconds(target.pid) - hub_s),
  };
}

/** From the end of a write to a transcript until the hub lists its bytes. */
async function measureTail(_: Target, { program, env, url }: Machine): Promise<Record<string, number>> {
  const path = join(home, `.claude/projects/-home-ada-site/${SESSION}.jsonl`);
  const line = (n: number) =>
    `${JSON.stringify({ type: "user", uuid: `u${n}`, sessionId: SESSION, message: { content: `${n}` } })}\n`;
  let bytes = line(0).length;
  await writeFile(path, line(0));
  const sender = Bun.spawn([process.execPath, program, "send", "--stay"], {
    env,
    stdout: "ignore",
    stderr: "inherit",
  });
  try {
    await seen(url, bytes);
    const times: number[] = [];
    for (let n = 1; n <= lines; n++) {
      if (n % 20 === 0) progress(`lines ${n}/${lines}`);
      await Bun.sleep(50 + Math.random() * 200);
      const from = performance.now();
      await appendFile(path, line(n));
      bytes += line(n).length;
      await seen(url, bytes);
      times.push(performance.now() - from);
    }
    return {
      tail_to_hub_ms_p50: rounded(percentile(times, 0.5)),
      tail_to_hub_ms_p95: rounded(percentile(times, 0.95)),
    };
  } finally {
    sender.kill("SIGTERM");
    await sender.exited;
  }
}

async function seen(url: string, bytes: number): Promise<void> {
  const deadline = performance.now() + SEEN_DEADLINE_MS;
  while (performance.now() < deadline) {
    const { files } = await asAdmin(url, "GET", `/api/sessions/${SESSION}/transcript/files`);
    if (Array.isArray(files) && files[0]?.source_bytes === bytes) return;
    await Bun.sleep(5);
  }
  throw new Error(`the hub does not have ${bytes} bytes of the transcript`);
}

/** The help under each runtime; the status line as an agent asks for it, by the `wharf` command. */
function measureStarts({ program, shim, env }: Machine): Record<string, number> {
  const median = (command: string[]) =>
    rounded(
      percentile(
        Array.from({ length: STARTS }, () => timed(command, env)),
        0.5,
      ),
    );
  timed([shim, "status"], env);
  const node = Bun.which("node");
  return {
    help_ms: median([process.execPath, program, "--help"]),
    ...(node === null ? {} : { help_node_ms: median([node, program, "--help"]) }),
    statusline_ms: median([shim, "status", "--statusline"]),
  };
}
