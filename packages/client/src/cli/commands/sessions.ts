import type { Command } from "commander";
import { explainWorkspace } from "../explain-workspace.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printSessions } from "../output/session-table.ts";
import { instantOf, startOfToday } from "../values.ts";
import { type ListFilters, listParameters, withListFilters } from "./list-filters.ts";

type SessionsOptions = HubOptions &
  ListFilters & { since?: string; live?: true; today?: true; agent?: string };

const OPEN = ["detected", "capturing"];

/** `wharf sessions` */
export function sessions(command: Command, io: Io): void {
  withListFilters(withHubOptions(command))
    .option("--live", "only sessions that have not ended")
    .option("--today", "only sessions that started today")
    .option("--agent <name>", "claude-code, codex, gemini-cli or opencode")
    .action(async function listSessions(options: SessionsOptions) {
      const now = new Date();
      const client = await openHub(io, options);
      const { live, today, since, agent } = options;
      const page = await client.sessions
        .list({
          ...(await listParameters(client, options)),
          agent,
          lifecycle: live ? OPEN : undefined,
          after: today
            ? startOfToday(now).toISOString()
            : since === undefined
              ? undefined
              : instantOf(since, now),
        })
        .catch(explainWorkspace(options.workspace));
      if (options.json) io.json(page);
      else printSessions(io, page.sessions, now);
    });
}
