import type { Client } from "../../sdk/create-client.ts";
import type { SessionFilter } from "../../sdk/sessions.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";
import { confirm } from "../prompt.ts";
import { writeExport } from "./session-export.ts";

/** Writes all sessions that match to standard output. */
export async function exportMatching(client: Client, filter: SessionFilter, format: string): Promise<void> {
  await writeExport(format, (named) => client.sessions.exportAll(filter, named));
}

/** Deletes all sessions that match, after their number was typed, or with `isConfirmed`. */
export async function deleteMatching(
  io: Io,
  client: Client,
  filter: SessionFilter,
  { isConfirmed, isJson }: { isConfirmed: boolean; isJson: boolean },
): Promise<void> {
  if (Object.values(filter).every((value) => value === undefined))
    throw new CliError(
      "--delete needs a filter, such as --workspace or --before.",
      EXIT.usage,
      "FILTER_MISSING",
    );
  const { sessions, open_sessions } = await client.sessions.count(filter);
  if (sessions === 0) {
    if (isJson) io.json({ job_id: null, sessions, open_sessions });
    else io.warn("No session matches.");
    return;
  }
  if (!isConfirmed) {
    const text = `${sessions} sessions match, ${open_sessions} of them open. Their transcripts, events and costs are deleted for good, and the hub refuses them from then on. Type ${sessions} to delete them.`;
    await confirm(io, text, String(sessions));
  }
  const begun = await client.sessions.deleteAll({ ...filter, expected: sessions });
  if (isJson) io.json(begun);
  else io.print(`Job ${begun.job_id} deletes ${begun.sessions} sessions.`);
}
