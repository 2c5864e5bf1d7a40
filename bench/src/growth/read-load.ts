import type { Case } from "../read/cases.ts";
import { openReader } from "../read/http-reader.ts";
import { ADMIN_KEY } from "../server.ts";
import type { Load } from "./cost.ts";

/** Of all processes together, as a proxy would spread them. */
const CONNECTIONS = 24;

/** Sends one read after the other on each connection, the cases in turn, for so many seconds. */
export async function readFor(
  ports: readonly number[],
  cases: readonly Case[],
  seconds: number,
): Promise<Load> {
  const connections = Array.from({ length: CONNECTIONS }, (_, n) => ports[n % ports.length] ?? 0);
  const readers = await Promise.all(connections.map((port) => openReader(port, ADMIN_KEY)));
  const cpuBefore = process.cpuUsage();
  const startedAt_ms = performance.now();
  const endsAt_ms = startedAt_ms + seconds * 1000;
  let count = 0;
  await Promise.all(
    readers.map(async (reader) => {
      while (performance.now() < endsAt_ms) {
        const request = count++;
        await reader.time(cases[request % cases.length]?.path(request) ?? "/");
      }
    }),
  );
  const elapsed_s = (performance.now() - startedAt_ms) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  for (const reader of readers) reader.close();
  return { count, seconds: elapsed_s, cpu_s: (user + system) / 1e6 };
}
