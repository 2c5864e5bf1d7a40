import type { Command } from "commander";
import { explainWorkspace } from "../explain-workspace.ts";
import { findDevice } from "../find-device.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printSessions } from "../output/session-table.ts";
import { countOf, instantOf, startOfToday } from "../values.ts";

type SessionsOptions = HubOptions & {
  live?: true;
  today?: true;
  since?: string;
  workspace?: string;
  device?: string;
  agent?: string;
  limit: number;
  cursor?: string;
};

const OPEN = ["detected", "capturing"];

/** `wharf sessions` */
export function sessions(command: Command, io: Io): void {
  withHubOptions(command)
    .option("--live", "only sessions that have not ended")
    .option("--today", "only sessions that started today")
    .option("--since <time>", "only sessions after 12h, 7d, or 2026-11-22")
    .option("--workspace <name>", "by name, git remote or id")
    .option("--device <name>", "by name or id")
    .option("--agent <name>", "claude-code, codex, gemini-cli or opencode")
    .option("--limit <number>", "at most so many", countOf, 20)
    .option("--cursor <cursor>", "the next page, as `next_cursor` of --json names it")
    .action(async function listSessions(options: SessionsOptions) {
      const now = new Date();
      const client = await openHub(io, options);
      const { live, today, since, workspace, device, agent, limit, cursor } = options;
      const page = await client.sessions
        .list({
          limit,
          cursor,
          agent,
          workspace_id: workspace,
          device_id: device === undefined ? undefined : (await findDevice(client, device)).id,
          lifecycle: live ? OPEN : undefined,
          after: today
            ? startOfToday(now).toISOString()
            : since === undefined
              ? undefined
              : instantOf(since, now),
        })
        .catch(explainWorkspace(workspace));
      if (options.json) io.json(page);
      else printSessions(io, page.sessions, now);
    });
}
