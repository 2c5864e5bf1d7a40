import { afterAll, beforeAll } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setupApp, type TestServer } from "../../../server/src/__tests__/setup-app.ts";
import { buildBundle } from "../served/index.ts";

/** A user's home directory that has never seen Wharf. */
export type Machine = {
  home: string;
  /** The runtime and the bundle. */
  command: readonly string[];
  /** The real bundle, under the runtime of this machine. */
  wharf(words: readonly string[], options?: RunOptions): Promise<Ran>;
  /** A program in this home directory. */
  run(command: readonly string[], options?: RunOptions): Promise<Ran>;
};

export type RunOptions = { stdin?: string; env?: Record<string, string> };
export type Ran = {
  code: number;
  stdout: string;
  stderr: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test states the fields that it expects.
  json: any;
};

export type TestHub = {
  server: TestServer;
  readonly url: string;
  /** Of a new enrolment. */
  code(body?: object): Promise<string>;
  machine(runtime?: string): Promise<Machine>;
};

/** Both runtimes that the client supports. Node is required to install Wharf, so that it is here, too. */
export const RUNTIMES: readonly (readonly [name: string, path: string])[] = [
  ["Bun", process.execPath],
  ["Node", Bun.which("node") ?? "node"],
];

/** The machine's command with `file-faults.ts` loaded before it. */
export async function withFileFaults({
  home,
  command: [runtime = "", program = ""],
}: Machine): Promise<string[]> {
  const entry = join(import.meta.dir, "file-faults.ts");
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "node", format: "cjs" });
  const faults = join(home, "file-faults.cjs");
  await Bun.write(faults, outputs[0] ?? "");
  return [runtime, runtime === process.execPath ? "--preload" : "--require", faults, program];
}

/** The whole server at a port, and machines with the bundle. Call it once at the top of a test file. */
export function setupHub(): TestHub {
  const server = setupApp();
  const folders: string[] = [];
  let listening: ReturnType<typeof Bun.serve> | undefined;
  let program = "";

  async function folder(name: string): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), `wharf-${name}-`));
    folders.push(path);
    return path;
  }

  beforeAll(async () => {
    listening = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, ports) => server.current().app.fetch(request, ports),
    });
    program = join(await folder("bundle"), "wharf.js");
    await Bun.write(program, (await buildBundle()).text);
  });
  afterAll(async () => {
    await listening?.stop(true);
    for (const path of folders) await rm(path, { recursive: true, force: true });
  });

  async function machine(runtime: string = process.execPath): Promise<Machine> {
    const home = await folder("home");

    async function run(command: readonly string[], { stdin = "", env = {} }: RunOptions = {}): Promise<Ran> {
      const child = Bun.spawn([...command], {
        cwd: home,
        env: { HOME: home, PATH: process.env["PATH"], ...env },
        stdin: new Blob([stdin]),
        stdout: "pipe",
        stderr: "pipe",
      });
      const [stdout, stderr, code] = await Promise.all([
        child.stdout.text(),
        child.stderr.text(),
        child.exited,
      ]);
      return {
        code,
        stdout,
        stderr,
        get json() {
          return JSON.parse(stdout);
        },
      };
    }

    const command = [runtime, program];
    return { home, command, run, wharf: (words, options) => run([...command, ...words], options) };
  }

  return {
    server,
    machine,
    get url() {
      return `http://127.0.0.1:${listening?.port}`;
    },
    code: async (body = {}) => (await server.request("POST", "/api/devices/enrolment-codes", body)).body.code,
  };
}
