import type { Prunable, Retention } from "@wharf/protocol";
import type { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { plain } from "../output/text.ts";
import { confirm } from "../prompt.ts";
import { countOf } from "../values.ts";

const FOREVER = "forever";
type Days = number | typeof FOREVER;
type RetentionOptions = HubOptions & { raw?: Days; parsed?: Days; events?: Days; dryRun?: true; yes?: true };

/** `wharf workspaces retention`, `redaction` and `delete` */
export function workspaceSettings(command: Command, io: Io): void {
  withHubOptions(
    command
      .command("retention <workspace>")
      .description("Show or change for how many days a workspace keeps its data; needs an admin key"),
  )
    .option("--raw <days>", "transcripts as received: a number or forever", daysOf)
    .option("--parsed <days>", "messages and their texts", daysOf)
    .option("--events <days>", "events", daysOf)
    .option("--dry-run", "change nothing, and count what would be deleted")
    .option("--yes", "do not ask")
    .action((workspace: string, options: RetentionOptions) => changeRetention(io, workspace, options));
  withHubOptions(
    command
      .command("redaction <workspace> [state]")
      .description("Show whether secrets are replaced, or switch it on or off; needs an admin key"),
  ).action(async function redaction(workspace: string, state: string | undefined, options: HubOptions) {
    if (state !== undefined && state !== "on" && state !== "off")
      throw new CliError(`"${plain(state)}" is no state. Use on or off.`, EXIT.usage, "STATE_UNKNOWN");
    const { workspaces } = await openHub(io, options, "admin");
    const found = await (state === undefined
      ? workspaces.redaction(workspace)
      : workspaces.switchRedaction(workspace, state));
    if (options.json) io.json(found);
    else io.print(`Redaction of ${plain(workspace)} is ${found.redaction}.`);
  });
  withHubOptions(
    command
      .command("delete <workspace>")
      .description("Delete a workspace without sessions, with its git activity; needs an admin key"),
  ).action(async function remove(workspace: string, options: HubOptions) {
    await (await openHub(io, options, "admin")).workspaces.delete(workspace);
    if (options.json) io.json({ deleted: workspace });
    else io.print(`Deleted ${plain(workspace)}.`);
  });
}

async function changeRetention(io: Io, workspace: string, options: RetentionOptions): Promise<void> {
  const { workspaces } = await openHub(io, options, "admin");
  const { raw, parsed, events } = options;
  const current = await workspaces.retention(workspace);
  const isChange = [raw, parsed, events].some((days) => days !== undefined);
  const wanted: Retention = {
    raw_days: given(raw, current.retention.raw_days),
    parsed_days: given(parsed, current.retention.parsed_days),
    events_days: given(events, current.retention.events_days),
  };
  if (!isChange && !options.dryRun) return print(io, options, current);
  const preview = await workspaces.putRetention(workspace, wanted, { isDryRun: true });
  if (options.dryRun) return print(io, options, preview);
  const deleted = preview.deletes === undefined ? null : deletedText(preview.deletes);
  if (deleted !== null && !options.yes)
    await confirm(io, `Within two hours this deletes ${deleted}. Type yes to continue.`, "yes");
  print(io, options, await workspaces.putRetention(workspace, wanted));
}

function print(
  io: Io,
  { json }: HubOptions,
  answer: { retention: Retention; deletes?: Prunable | undefined },
): void {
  if (json) return void io.json(answer);
  const { raw_days, parsed_days, events_days } = answer.retention;
  for (const [name, days] of Object.entries({ raw: raw_days, parsed: parsed_days, events: events_days }))
    io.print(`${name}\t${days === null ? FOREVER : `${days} days`}`);
  if (answer.deletes !== undefined)
    io.print(`deletes\t${deletedText(answer.deletes) ?? "nothing at present"}`);
}

function deletedText({ segments, bytes, sessions, messages, events }: Prunable): string | null {
  const parts = [
    ...(segments > 0 ? [`${bytes} bytes of transcripts`] : []),
    ...(messages > 0 ? [`${messages} messages of ${sessions} sessions`] : []),
    ...(events > 0 ? [`${events} events`] : []),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}

function given(days: Days | undefined, current: number | null): number | null {
  if (days === undefined) return current;
  return days === FOREVER ? null : days;
}

function daysOf(text: string): Days {
  return text === FOREVER ? FOREVER : countOf(text);
}
