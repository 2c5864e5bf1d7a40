import type { TimelineItem } from "@wharf/protocol";
import { sessionStateText } from "@wharf/protocol/state-words";
import type { Command } from "commander";
import { explainWorkspace } from "../explain-workspace.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { cutTo, printLine } from "../output/fit-text.ts";
import { titleOf } from "../output/session-table.ts";
import { plain, timeOf } from "../output/text.ts";
import { instantOf } from "../values.ts";
import { type ListFilters, listParameters, withListFilters } from "./list-filters.ts";

type TimelineOptions = HubOptions & ListFilters & { since?: string };
type Git = TimelineItem["git_activity"][number];

const TIME_CHARACTERS = 10;
const TITLE_CHARACTERS_MIN = 20;

/** `wharf timeline` */
export function timeline(command: Command, io: Io): void {
  withListFilters(withHubOptions(command)).action(async function showTimeline(options: TimelineOptions) {
    const client = await openHub(io, options);
    const { since, workspace } = options;
    const page = await client
      .timeline({
        ...(await listParameters(client, options)),
        after: since === undefined ? undefined : instantOf(since, new Date()),
      })
      .catch(explainWorkspace(workspace));
    if (options.json) io.json(page);
    else if (page.items.length === 0) io.warn("Nothing was found in the timeline.");
    else for (const item of page.items) (io.isTerminal ? printOnTerminal : printFields)(io, item);
  });
}

function printFields(io: Io, item: TimelineItem): void {
  if (item.type === "session") {
    const { session } = item;
    const { started_at, device_name, workspace_name } = session;
    const fields = [started_at, device_name, workspace_name, sessionStateText(session), titleOf(session)];
    io.print(["session", ...fields.map(plain)].join("\t"));
  } else {
    io.print(["git", ...[item.started_at, item.device_name, item.workspace_name].map(plain)].join("\t"));
  }
  for (const git of item.git_activity) io.print(`\t${describe(git)}`);
}

function printOnTerminal(io: Io, item: TimelineItem): void {
  const { dim, bold } = io.colors;
  if (item.type === "session") {
    const { session } = item;
    const when = timeOf(io, session.started_at).padEnd(TIME_CHARACTERS);
    const where = [session.device_name, session.workspace_name, sessionStateText(session)]
      .map(plain)
      .join(" · ");
    const space = io.columns - when.length - where.length - 4;
    const title = cutTo(titleOf(session) || session.id, Math.max(TITLE_CHARACTERS_MIN, space));
    printLine(io, `${dim(when)}  ${bold(title)}  ${dim(where)}`);
  } else {
    const when = timeOf(io, item.started_at).padEnd(TIME_CHARACTERS);
    printLine(io, dim(`${when}  ${plain(item.device_name)} · ${plain(item.workspace_name)}`));
  }
  for (const git of item.git_activity) printLine(io, `  ${describe(git)}`);
}

function describe({ type, branch, commit_sha, message }: Git): string {
  return plain(
    [type, branch, commit_sha?.slice(0, 10), message?.split("\n", 1)[0]]
      .filter((part) => part != null)
      .join(" "),
  );
}
