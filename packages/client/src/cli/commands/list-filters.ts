import type { Command } from "commander";
import type { Client } from "../../sdk/create-client.ts";
import { findDevice } from "../find-device.ts";
import { countOf } from "../values.ts";

/** What lists of activity are limited by. */
export type ListFilters = { workspace?: string; device?: string; limit: number; cursor?: string };

export type JobFilterOptions = { status?: string; queue?: string; type?: string };

type ListParameters = {
  limit: number;
  cursor: string | undefined;
  workspace_id: string | undefined;
  device_id: string | undefined;
};

const LIMIT = 20;

export function withListFilters(command: Command): Command {
  return command
    .option("--since <time>", "only what is after 12h, 7d, 2w or 2026-11-22")
    .option("--workspace <name>", "by name, git remote or id")
    .option("--device <name>", "by name or id")
    .option("--limit <number>", "at most so many", countOf, LIMIT)
    .option("--cursor <cursor>", "the next page, as `next_cursor` of --json names it");
}

/** What jobs are chosen by. Which states --status takes depends on the command. */
export function withJobFilter(command: Command): Command {
  return command.option("--queue <name>", "only of this queue").option("--type <name>", "only of this type");
}

/** As parameters of the API. Throws CliError for an unknown device. */
export async function listParameters(
  client: Client,
  { workspace, device, limit, cursor }: ListFilters,
): Promise<ListParameters> {
  const device_id = device === undefined ? undefined : (await findDevice(client, device)).id;
  return { limit, cursor, workspace_id: workspace, device_id };
}
