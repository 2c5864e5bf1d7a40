import { join } from "node:path";

export type PostgresProcess = { url: string; stop(): Promise<void> };

/** Starts the test Postgres under a child that ends it when we stop it, exit or are killed. */
export async function startPostgresProcess(): Promise<PostgresProcess> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "postgres-child.ts")], {
    cwd: import.meta.dir,
    detached: true,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  child.unref();
  const url = await firstLine(child.stdout);
  if (!url)
    throw new Error(`The Postgres for the tests did not start (exit code ${await child.exited}): see above.`);
  return {
    url,
    stop: async () => {
      child.ref();
      await child.stdin.end();
      await child.exited;
    },
  };
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string | undefined> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
  }
  return undefined;
}
