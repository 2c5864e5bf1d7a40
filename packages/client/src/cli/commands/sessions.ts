import type { Command } from "commander";
import type { SessionFilter } from "../../sdk/sessions.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { explainWorkspace } from "../explain-workspace.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printSessions } from "../output/session-table.ts";
import { AGENT_CHOICE, agentOf, instantOf, startOfToday } from "../values.ts";
import { type ListFilters, listParameters, withListFilters } from "./list-filters.ts";
import { deleteMatching, exportMatching } from "./matching-sessions.ts";

type SessionsOptions = HubOptions &
  ListFilters & {
    since?: string;
    before?: string;
    live?: true;
    today?: true;
    agent?: string;
    tag?: string;
    search?: string;
    export?: string;
    delete?: true;
    yes?: true;
  };

const OPEN = ["detected", "capturing"];

/** `wharf sessions` */
export function sessions(command: Command, io: Io): void {
  withListFilters(withHubOptions(command))
    .option("--before <time>", "only what began before 12h, 7d, 2w or 2026-11-22")
    .option("--live", "only sessions that have not ended")
    .option("--today", "only sessions that started today")
    .option("--agent <name>", AGENT_CHOICE, agentOf)
    .option("--tag <tag>", "only sessions with this tag")
    .option("--search <query>", "only sessions that match the query")
    .option("--export <format>", "all that match to standard output: json (one a line), md or tar")
    .option("--delete", "delete all that match, after their number is confirmed; needs an admin key")
    .option("--yes", "with --delete: do not ask")
    .action(async function listSessions(options: SessionsOptions) {
      const now = new Date();
      if (options.export !== undefined || options.delete) requireAll(command, options);
      const client = await openHub(io, options, options.delete ? "admin" : "read");
      const { limit, cursor, ...places } = await listParameters(client, options);
      const filter = { ...places, ...filterOf(options, now) };
      const explain = explainWorkspace(options.workspace);
      if (options.export !== undefined)
        return await exportMatching(client, filter, options.export).catch(explain);
      if (options.delete) {
        const how = { isConfirmed: options.yes === true, isJson: options.json === true };
        return await deleteMatching(io, client, filter, how).catch(explain);
      }
      const page = await client.sessions.list({ ...filter, limit, cursor }).catch(explain);
      if (options.json) io.json(page);
      else printSessions(io, page.sessions, now);
    });
}

/** Throws CliError for options that do not go together with an action on all that match. */
function requireAll(command: Command, options: SessionsOptions): void {
  const given = [
    ...["limit", "cursor"].filter((name) => command.getOptionValueSource(name) === "cli"),
    ...(options.export !== undefined && options.delete ? ["export"] : []),
  ];
  const [other] = given;
  if (other === undefined) return;
  const action = options.delete ? "delete" : "export";
  throw new CliError(
    `--${other} cannot be combined with --${action}, which takes all sessions that match.`,
    EXIT.usage,
    "OPTIONS_CONFLICT",
  );
}

function filterOf(
  { live, today, since, before, agent, tag, search }: SessionsOptions,
  now: Date,
): SessionFilter {
  const sinceAt = since === undefined ? undefined : instantOf(since, now);
  return {
    agent,
    tag,
    q: search,
    lifecycle: live ? OPEN : undefined,
    after: today ? startOfToday(now).toISOString() : sinceAt,
    before: before === undefined ? undefined : instantOf(before, now),
  };
}
