import { defineCommandJob, type JobDefinition, sweepRunFolders } from "@wharf/job-runner";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Config } from "../config.ts";

export const COMMAND_QUEUE = "commands";
/** At the same time in one process. */
export const COMMANDS_AT_ONCE = 2;

/** The job that runs commands on this machine, if it is switched on; runs that an earlier process left are ended first. */
export async function createCommandJobs(
  { commandJobs, role }: Pick<Config, "commandJobs" | "role">,
  blobs: BlobStore,
): Promise<JobDefinition[]> {
  if (commandJobs === null) return [];
  if (role !== "server") await sweepRunFolders(commandJobs.folder);
  return [defineCommandJob({ ...commandJobs, queue: COMMAND_QUEUE, store: blobs })];
}
