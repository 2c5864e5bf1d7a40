import { mkdir, utimes, writeFile } from "node:fs/promises";
import type { SendDeviceReport } from "@wharf/protocol";
import { openInstalled } from "../hooks/installed.ts";
import { measureHook } from "../hooks/measure-hook.ts";
import type { Devices } from "../sdk/resources.ts";
import type { DataPaths } from "../spool/data-paths.ts";
import { statIfThere } from "../spool/files.ts";
import { createDeletesAt } from "../transcripts/deletion-times.ts";
import { type AgentFolders, measureTranscripts } from "../transcripts/find-transcripts.ts";

const REPORT_EVERY_MS = 3_600_000;
const PRECISION = 100;

export type FactsReport = {
  paths: DataPaths;
  device_id: string;
  client_version: string;
  folders: readonly AgentFolders[];
  devices: Pick<Devices, "report">;
  now?: () => number;
};

/** Sends the facts of this machine, at most once an hour over all processes. Answers whether it did. Throws HubError. */
export async function reportWhenDue(options: FactsReport): Promise<boolean> {
  const { paths, now = Date.now } = options;
  const last_ms = (await statIfThere(paths.report))?.mtimeMs ?? Number.NEGATIVE_INFINITY;
  if (Math.abs(now() - last_ms) < REPORT_EVERY_MS) return false;
  await reportFacts(options);
  return true;
}

/** Sends the facts of this machine. Throws HubError. */
export async function reportFacts(options: FactsReport): Promise<void> {
  const { paths, now = Date.now } = options;
  await mkdir(paths.data, { recursive: true, mode: 0o700 });
  // Before it is sent: a hub that refuses it is asked once an hour, too.
  await writeFile(paths.report, "");
  await utimes(paths.report, now() / 1000, now() / 1000);
  const { device_id, client_version, folders } = options;
  const agents = await Promise.all(folders.map(measureAgent));
  const facts = {
    client_version,
    hooks: await measureHooks(paths),
    agents: agents.filter(({ files }) => files > 0),
  };
  await options.devices.report({ device_id, ...facts, sent_at: new Date(now()).toISOString() });
}

/** All hooks are one script with one course. */
async function measureHooks(paths: DataPaths): Promise<SendDeviceReport["hooks"]> {
  const installed = openInstalled(paths);
  const places = [...(await installed.settingsFiles()), ...(await installed.repositories())];
  if (places.length === 0) return [];
  const { runs, median_ms, p99_ms } = await measureHook();
  return [{ name: "claude-code", runs, median_ms: rounded(median_ms), p99_ms: rounded(p99_ms) }];
}

function rounded(ms: number): number {
  return Math.round(ms * PRECISION) / PRECISION;
}

async function measureAgent(places: AgentFolders): Promise<SendDeviceReport["agents"][number]> {
  const { agent } = places;
  const deletesAt = createDeletesAt();
  const found = await measureTranscripts(places);
  const times = await Promise.all(found.map(({ path, mtime_ms }) => deletesAt({ agent, path }, mtime_ms)));
  const bytes = found.reduce((total, file) => total + file.bytes, 0);
  const next_deletion_at = times.filter((time) => time !== null).sort()[0] ?? null;
  return { agent, files: found.length, bytes, next_deletion_at };
}
