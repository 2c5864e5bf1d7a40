import type { Command } from "commander";
import { noteAcknowledged } from "../../sender/sender-state.ts";
import { type BackfillPlan, type NotSent, planBackfill, runBackfill } from "../../transcripts/backfill.ts";
import { findAllTranscripts, warnOfPacked } from "../find-all-transcripts.ts";
import { type HubOptions, hubSessionsOf, requireProfile, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { createProgress, megabytes } from "../output/progress.ts";
import { plain, plural } from "../output/text.ts";
import { prepareSending } from "../sending.ts";
import { instantOf } from "../values.ts";

type BackfillOptions = HubOptions & { since?: string; dryRun?: true };

/** What a hub on a usual line takes; only for the estimate before the first byte. */
const BYTES_PER_S = 10_000_000;
const NOT_SENT_SHOWN_MAX = 20;

/** `wharf backfill` */
export function backfill(command: Command, io: Io): void {
  withHubOptions(command)
    .option("--since <time>", "only files that changed since: 12h, 7d, 2w or 2026-11-22")
    .option("--dry-run", "show how much would be sent, and send nothing")
    .action(async function sendTranscripts(options: BackfillOptions) {
      const profile = await requireProfile(io, options);
      const { files, sender } = prepareSending(io, profile);
      const since = options.since === undefined ? 0 : Date.parse(instantOf(options.since, new Date()));
      const found = await findAllTranscripts(io, since);
      const hub = await hubSessionsOf(profile, found);
      const plan = await planBackfill(found, files, { hub });
      const { pending, ...counts } = plan;
      warnOfPacked(io, plan.packed_files);
      warnOfNotSent(io, plan.not_sent);
      if (options.dryRun) {
        if (options.json) io.json({ ...counts, pending_files: pending.length });
        else io.print(describe(plan));
        return;
      }
      if (!options.json) io.print(describe(plan));
      const progress = createProgress(io, plan.bytes);
      const result = await runBackfill(plan, {
        ...files,
        directory: io.paths.data,
        onSent: progress.add,
      }).finally(progress.end);
      if (result.sent > 0) await noteAcknowledged(sender.paths.state, new Date().toISOString());
      if (options.json) io.json({ ...counts, result });
      else if (pending.length > 0)
        io.print(`Sent ${plural(result.sent, "file")}, ${megabytes(result.bytes)}.`);
      warnOfNotSent(io, result.not_sent);
    });
}

function warnOfNotSent(io: Io, not_sent: readonly NotSent[]): void {
  for (const { path, reason } of not_sent.slice(0, NOT_SENT_SHOWN_MAX))
    io.warn(`Not sent: ${plain(path)}: ${plain(reason).replace(/\.$/, "")}.`);
  const others = not_sent.length - NOT_SENT_SHOWN_MAX;
  if (others > 0) io.warn(`Not sent: ${plural(others, "other file")}.`);
}

function describe(plan: BackfillPlan): string {
  const { sessions, files, held_files, deleted_files, not_shared_files, bytes, pending } = plan;
  const deleted = deleted_files === 0 ? "" : `; deleted on the hub: ${deleted_files}`;
  const held = held_files === 0 ? "" : `; on the hub already: ${held_files}`;
  const kept = not_shared_files === 0 ? "" : `; not shared: ${not_shared_files} (wharf share)`;
  const found = `Found ${plural(files, "file")} of ${plural(sessions, "session")}${held}${deleted}${kept}.`;
  if (pending.length === 0) return `${found} Nothing to send.`;
  return `${found} To send: ${plural(pending.length, "file")}, ${megabytes(bytes)}, about ${Math.ceil(bytes / BYTES_PER_S)} s.`;
}
