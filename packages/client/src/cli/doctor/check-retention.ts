import type { Profile } from "../../profiles/profiles.ts";
import { dataPaths } from "../../spool/data-paths.ts";
import { planBackfill } from "../../transcripts/backfill.ts";
import { openFileStates } from "../../transcripts/file-state.ts";
import { type AgentRetention, readRetention } from "../../transcripts/retention.ts";
import type { Io } from "../io.ts";
import { plural } from "../output/text.ts";
import { homeOf } from "../sending.ts";
import type { Check } from "./check-hub.ts";

/** What agents delete next by themselves, and whether the hub has it. */
export async function checkRetention(io: Io, profile: Profile): Promise<Check[]> {
  const states = openFileStates(dataPaths(io.paths.data).transcripts, profile.url);
  const checks: Check[] = [];
  for (const retention of await readRetention(io.environment, homeOf(io))) {
    const { pending } = await planBackfill(
      retention.due.map(({ file }) => file),
      { states },
    );
    checks.push(describe(retention, pending.length));
  }
  return checks;
}

function describe({ agent, root, days, set_in, due }: AgentRetention, unsent: number): Check {
  const by = set_in === null ? "its default" : `cleanupPeriodDays in ${set_in}`;
  const [next] = due;
  const soon =
    next === undefined
      ? "none within a week"
      : `${plural(due.length, "session")} within a week, the first from ${next.deletes_at.slice(0, 10)} on (${next.file.path})`;
  const held =
    next === undefined
      ? ""
      : unsent === 0
        ? "; the hub has them"
        : `; the hub lacks ${plural(unsent, "file")}`;
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
