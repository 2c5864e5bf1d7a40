import type { UsageRow } from "@wharf/protocol";
import type { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { explainWorkspace } from "../explain-workspace.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printTable } from "../output/table.ts";
import { count, money } from "../output/text.ts";
import { AGENT_CHOICE, agentOf, instantOf, timeZone } from "../values.ts";
import { byMonth, byWeek, type UsageTotal, withoutSessions } from "./usage-periods.ts";

type UsageOptions = HubOptions & { by?: string; since?: string; workspace?: string; agent?: string };

/** The group that the hub sums up by, and what is made of its rows. */
const PERIODS = {
  daily: { group: "day", since: "30d" },
  weekly: { group: "day", since: "12w", merge: byWeek },
  monthly: { group: "day", since: "365d", merge: byMonth },
  session: { group: "session", since: "7d" },
} as const;
const GROUPS = ["model", "device", "workspace", "agent"] as const;
const GROUP_SINCE = "30d";

/** `wharf usage` */
export function usage(command: Command, io: Io): void {
  withHubOptions(command)
    .argument("[period]", "daily, weekly, monthly or session", "daily")
    .option("--by <group>", "totals by model, device, workspace or agent, instead of a period")
    .option("--since <time>", "12h, 7d, 2w or 2026-11-22")
    .option("--workspace <name>", "by name, git remote or id")
    .option("--agent <name>", AGENT_CHOICE, agentOf)
    .action(async function showUsage(period: string, options: UsageOptions) {
      const { group, since, merge } = selection(period, options.by);
      const found = await (await openHub(io, options))
        .usage({
          group,
          tz: timeZone(),
          from: instantOf(options.since ?? since, new Date()),
          workspace_id: options.workspace,
          agent: options.agent,
        })
        .catch(explainWorkspace(options.workspace));
      const rows = merge === undefined ? found.rows : merge(found.rows);
      if (options.json) io.json({ ...found, rows });
      else printUsage(io, rows);
      const unpriced = found.unpriced.map(({ model }) => model ?? "unknown");
      if (unpriced.length > 0 && !options.json)
        io.warn(`Without a price, and not in the costs: ${unpriced.join(", ")}`);
    });
}

type Selection = { group: string; since: string; merge?: (rows: readonly UsageRow[]) => UsageTotal[] };

function selection(period: string, by: string | undefined): Selection {
  if (by !== undefined) {
    const group = GROUPS.find((one) => one === by);
    if (group === undefined)
      throw new CliError(`"${by}" is no group. Use ${GROUPS.join(", ")}.`, EXIT.usage, "GROUP_UNKNOWN");
    if (period !== "daily")
      throw new CliError(
        `${period} and --by cannot be combined: use one of them.`,
        EXIT.usage,
        "OPTIONS_CONFLICT",
      );
    return { group, since: GROUP_SINCE };
  }
  if (!Object.hasOwn(PERIODS, period))
    throw new CliError(
      `"${period}" is no period. Use ${Object.keys(PERIODS).join(", ")}.`,
      EXIT.usage,
      "PERIOD_UNKNOWN",
    );
  return PERIODS[period as keyof typeof PERIODS];
}

function printUsage(io: Io, rows: readonly UsageTotal[]): void {
  const total =
    io.isTerminal && rows.length > 1 ? [{ ...withoutSessions(rows), key: "total", name: null }] : [];
  printTable(
    io,
    [
      { title: "", cell: ({ name, key }) => name ?? key ?? "unknown", isWide: true },
      { title: "RESPONSES", cell: ({ responses }) => count(responses), align: "right" },
      { title: "INPUT", cell: ({ tokens_in }) => count(tokens_in), align: "right" },
      { title: "OUTPUT", cell: ({ tokens_out }) => count(tokens_out), align: "right" },
      { title: "CACHE READ", cell: (row) => count(row.cache_read_tokens), align: "right" },
      { title: "CACHE WRITE", cell: (row) => count(row.cache_write_tokens), align: "right" },
      { title: "COST", cell: (row) => money(row.cost_usd, row.cost_is_partial), align: "right" },
    ],
    [...rows, ...total],
    "No usage was found. --since includes earlier days.",
  );
}
