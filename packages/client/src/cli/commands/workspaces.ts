import type { Command } from "commander";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printTable } from "../output/table.ts";
import { count, money, timeOf } from "../output/text.ts";
import { countOf } from "../values.ts";
import { workspaceSettings } from "./workspace-settings.ts";

/** `wharf workspaces`, and its subcommands */
export function workspaces(command: Command, io: Io): void {
  workspaceSettings(command, io);
  withHubOptions(command)
    .option("--limit <number>", "at most so many", countOf, 50)
    .action(async function listWorkspaces(options: HubOptions & { limit: number }) {
      const page = await (await openHub(io, options)).workspaces.list({ limit: options.limit });
      if (options.json) {
        io.json(page);
        return;
      }
      const now = new Date();
      printTable(
        io,
        [
          { title: "WORKSPACE", cell: ({ canonical_id }) => canonical_id, isWide: true },
          { title: "SESSIONS", cell: ({ session_count }) => String(session_count), align: "right" },
          { title: "LIVE", cell: ({ active_session_count }) => String(active_session_count), align: "right" },
          { title: "LAST", cell: ({ last_session_at }) => timeOf(io, last_session_at, now) },
          {
            title: "TOKENS",
            cell: (row) => count(row.total_tokens_in + row.total_tokens_out),
            align: "right",
          },
          { title: "COST", cell: ({ total_cost_usd }) => money(total_cost_usd), align: "right" },
        ],
        page.workspaces,
        "The hub has no workspaces yet. Sessions create them.",
      );
    });
}
