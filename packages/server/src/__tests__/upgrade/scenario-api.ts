import type { BackfillSession, SessionPatch, SessionReport } from "@wharf/protocol";
import { WORKSPACE } from "../../ingest/__tests__/event-factory.ts";
import { minute, NOTES, SITE } from "./scenario-events.ts";

/** Reports by POST /api/sessions. Nothing but sessions tells of them, so the test reads them here. */
export const REPORTS: readonly (SessionReport & { workspace_canonical_id: string })[] = [
  {
    id: "reported",
    workspace_canonical_id: SITE,
    device_id: "desk",
    device_name: "Desk",
    started_at: minute(220),
    ended_at: minute(230),
    end_reason: "exit",
    cwd: "/srv/site",
    git_branch: "main",
    model: "m-2",
    source: "startup",
    initial_prompt: "Mend the header",
    tags: ["b", "a"],
    metadata: { ticket: 7, nested: { list: [1, null] } },
  },
  { id: "reported", workspace_canonical_id: SITE, device_id: "desk", started_at: minute(219), tags: ["c"] },
  // Earlier than the start that an event reports.
  {
    id: "plain",
    workspace_canonical_id: WORKSPACE,
    device_id: "laptop",
    started_at: minute(0.5),
    model: "m-report",
  },
  // Later than the start that an event reports, and with an end that is later than the event's.
  {
    id: "computed",
    workspace_canonical_id: NOTES,
    device_id: "tower",
    started_at: minute(62),
    ended_at: minute(73),
    duration_ms: 660_000,
    end_reason: "clear",
    git_branch: "of report",
  },
];

/** Reports by POST /api/backfill/sessions, which fill gaps. */
export const BACKFILLS: readonly BackfillSession[] = [
  {
    session_id: "backfilled",
    workspace_canonical_id: NOTES,
    device_id: "tower",
    started_at: minute(240),
    ended_at: minute(250),
    duration_ms: 500_000,
    git_branch: "old",
  },
  // Events and reports say more of these already.
  {
    session_id: "stub",
    workspace_canonical_id: SITE,
    device_id: "desk",
    started_at: minute(45),
    ended_at: minute(55),
  },
  {
    session_id: "reported",
    workspace_canonical_id: NOTES,
    device_id: "tower",
    started_at: minute(1),
    git_branch: "x",
  },
  {
    session_id: "late-start",
    workspace_canonical_id: "_unassociated",
    device_id: "desk",
    started_at: minute(9),
  },
];

export const PATCHES: readonly { id: string; patch: SessionPatch }[] = [
  { id: "plain", patch: { add_tags: ["kept"], summary: "Changed the header." } },
  { id: "reported", patch: { remove_tags: ["a"], summary: "Mended." } },
];

/** Keys as they are shown once; the script sets their hashes, so that the test can use them. Nothing else has them. */
export const KEYS = {
  read: `wharf_read_${"r".repeat(43)}`,
  bound: `wharf_ingest_${"b".repeat(43)}`,
  revoked: `wharf_ingest_${"x".repeat(43)}`,
} as const;
export const BOUND_DEVICE = "laptop";

export const PAUSED_QUEUE = "mail";
