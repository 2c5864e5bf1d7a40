import { readFileSync } from "node:fs";
import type postgres from "postgres";
import { cpuSeconds } from "../processes.ts";

/** CPU seconds by process: the server, and each backend of its database. */
export type CpuReading = ReadonlyMap<number, number>;

export async function readCpu(sql: postgres.Sql, serverPid: number): Promise<CpuReading> {
  const backends = await sql<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
  const pids = [serverPid, ...backends.map(({ pid }) => pid)];
  return new Map(pids.flatMap((pid) => entryOf(pid)));
}

/** Seconds between two readings. A backend that began in between counts from nothing. */
export function cpuBetween(before: CpuReading, after: CpuReading): number {
  return [...after].reduce((sum, [pid, seconds]) => sum + seconds - (before.get(pid) ?? 0), 0);
}

/** Seconds in which this machine had work for its cores, and its host gave them to others. */
export function stolenSeconds(): number {
  const [, , , , , , , , steal] = readFileSync("/proc/stat", "utf8").split(/\s+/, 9);
  return Number(steal) / 100;
}

/** Nothing, for one that has just ended. */
function entryOf(pid: number): [number, number][] {
  try {
    return [[pid, cpuSeconds(pid)]];
  } catch {
    return [];
  }
}
