import type { Profile } from "../../profiles/profiles.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { type BackfillPlan, planBackfill } from "../../transcripts/backfill.ts";
import { openFileStates } from "../../transcripts/file-state.ts";
import { type AgentRetention, readRetention } from "../../transcripts/retention.ts";
import { hubSessionsOf } from "../hub.ts";
import type { Io } from "../io.ts";
import { plural } from "../output/text.ts";
import { homeOf } from "../sending.ts";
import type { Check } from "./check-hub.ts";

/** What agents delete next by themselves, and whether the hub has it. */
export async function checkRetention(io: Io, profile: Profile): Promise<Check[]> {
  const states = openFileStates(dataPaths(io.paths.data).transcripts, profile.url);
  const checks: Check[] = [];
  for (const retention of await readRetention(io.environment, homeOf(io))) {
    const due = retention.due.map(({ file }) => file);
    const hub = await hubSessionsOf(profile, due);
    const plan = await planBackfill(due, { states }, { hub });
    checks.push(describe(retention, plan, hub !== null));
  }
  return checks;
}

function describe(
  { agent, root, days, set_in, due }: AgentRetention,
  plan: BackfillPlan,
  isCompared: boolean,
): Check {
  const unsent = plan.pending.length;
  const by = set_in === null ? "its default" : `cleanupPeriodDays in ${set_in}`;
  const [next] = due;
  const soon =
    next === undefined
      ? "none within a week"
      : `${plural(due.length, "session")} within a week, the first from ${next.deletes_at.slice(0, 10)} on (${next.file.path})`;
  const held = next === undefined ? "" : `; ${describeHeld(plan, isCompared)}`;
  return {
    name: "retention",
    status: unsent === 0 ? "ok" : "warn",
    detail: `${agent} deletes transcripts in ${root} after ${plural(days, "day")} (${by}): ${soon}${held}`,
    fix:
      unsent === 0
        ? null
        : `wharf backfill, or a larger "cleanupPeriodDays" in ${set_in ?? `${root}/settings.json`}`,
  };
}

function describeHeld({ pending, deleted_files }: BackfillPlan, isCompared: boolean): string {
  const parts = [
    ...(pending.length === 0 ? [] : [`the hub lacks ${plural(pending.length, "file")}`]),
    ...(deleted_files === 0
      ? []
      : [`deleted on the hub: ${plural(deleted_files, "file")}, of which the agent deletes the last copy`]),
  ];
  if (parts.length > 0) return parts.join("; ");
  return isCompared ? "the hub has them" : "all were sent; whether the hub still has them is unknown";
}
