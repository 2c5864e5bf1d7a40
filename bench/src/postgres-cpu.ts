import { readdirSync, readFileSync } from "node:fs";
import type postgres from "postgres";

const TICKS_PER_S = 100;

/** CPU seconds of a whole Postgres so far: its postmaster, its living children and those that have ended. */
export async function postgresCpuSeconds(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
  const postmaster = statOf(String(row?.pid))?.parent ?? "";
  const own = statOf(postmaster);
  const children = readdirSync("/proc").flatMap((pid) => {
    const stat = /^\d+$/.test(pid) ? statOf(pid) : null;
    return stat?.parent === postmaster ? [stat.seconds] : [];
  });
  return [own?.seconds ?? 0, own?.endedChildrenSeconds ?? 0, ...children].reduce((sum, one) => sum + one, 0);
}

/** Null for a process that has ended. */
function statOf(pid: string): { parent: string; seconds: number; endedChildrenSeconds: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const seconds = (from: number) => (Number(fields[from]) + Number(fields[from + 1])) / TICKS_PER_S;
    return { parent: fields[1] ?? "", seconds: seconds(11), endedChildrenSeconds: seconds(13) };
  } catch {
    return null;
  }
}
