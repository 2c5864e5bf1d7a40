import { join } from "node:path";
import type { IngestResponse } from "@wharf/protocol";
import { type Program, spawnProgram } from "@wharf/testkit";

export const ROOT = join(import.meta.dir, "../../../../..");
export const ADMIN_KEY = `wharf_admin_${"k".repeat(43)}`;
const MAIN = join(ROOT, "packages/server/src/main.ts");

export type ServerProcess = { program: Program; url: string };
export type Answer = { status: number; body: IngestResponse; retryAfter: string | null };

/** Only what a server is to be told, and none of what this process was told. */
export function environment(
  variables: Record<string, string | undefined>,
): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR, HOST: "127.0.0.1", PORT: "0", WHARF_ADMIN_KEY: ADMIN_KEY, ...variables };
}

export function spawnServer(variables: Record<string, string | undefined>): Program {
  return spawnProgram({
    command: [process.execPath, MAIN],
    cwd: ROOT,
    env: environment(variables),
    detached: true,
  });
}

/** Starts the real program on a free port; resolves when it serves. */
export async function startServer(variables: Record<string, string | undefined>): Promise<ServerProcess> {
  const program = spawnServer(variables);
  return { program, url: await readUrl(program) };
}

/** The address in the line that says that it is ready. */
export async function readUrl(program: Program): Promise<string> {
  const match = await program.waitForOutput(/"url":"http:\/\/localhost:(\d+)"/);
  return `http://127.0.0.1:${match[1]}`;
}

/** Null: no answer came, so the events may be stored or not. */
export async function postEvents(
  url: string,
  events: readonly unknown[],
  key = ADMIN_KEY,
): Promise<Answer | null> {
  try {
    const response = await fetch(`${url}/api/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ events }),
    });
    const retryAfter = response.headers.get("retry-after");
    return { status: response.status, retryAfter, body: (await response.json()) as IngestResponse };
  } catch {
    return null;
  }
}

export async function statusOf(url: string, path: string): Promise<number> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  await response.body?.cancel();
  return response.status;
}
