import { defineJob, type JobDefinition } from "@wharf/job-runner";
import { redactionFilterSchema } from "@wharf/protocol";
import { RULES_VERSION } from "@wharf/redaction";
import { z } from "zod";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Database } from "../db/database.ts";
import { noteHeldRulesVersion, readHeldRulesVersion } from "../db/redaction/held-rules-version.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import { HELD_BEGIN, type HeldPosition, type HeldProgress, redactHeld } from "../redaction/redact-held.ts";
import { addReplaced, nothingReplaced } from "../redaction/redact-rows.ts";
import type { EnqueueParse } from "./parse-transcript.ts";

const redactionInput = z.object({ filter: redactionFilterSchema, dry_run: z.boolean() });
export type RedactionJob = JobDefinition<typeof redactionInput>;
export type EnqueueRedaction = (input: z.infer<typeof redactionInput>) => Promise<{ id: string }>;

/** An attempt that takes longer is cut off, and the next one continues. */
const ATTEMPT_MAX_MS = 60 * 60_000;
const ATTEMPTS_MAX = 100;
/** A part is repeated when its process dies. Each is longer than the one before: a thousand, the most that a job has, take ten days. */
const FIRST_PART_MS = 10_000;
const PART_GROWTH_MS = 2_000;

export type RedactionJobDependencies = {
  database: Database;
  blobs: BlobStore;
  redaction: Redaction;
  enqueueParse: EnqueueParse;
};

/** Searches what is held again, and replaces the secrets in it, part by part. One such job runs at a time. */
export function createRedactionJob(dependencies: RedactionJobDependencies): RedactionJob {
  const { database, blobs, redaction, enqueueParse } = dependencies;
  return defineJob({
    name: "redact-held",
    input: redactionInput,
    maxAttempts: ATTEMPTS_MAX,
    timeoutMs: ATTEMPT_MAX_MS,
    concurrency: { key: () => "redact-held" },
    run: async (context, { filter, dry_run: isDryRun }) => {
      const total = { sessions: 0, replaced: nothingReplaced() };
      let position: HeldPosition = HELD_BEGIN;
      for (let part = 0; position !== null; part++) {
        const from: HeldPosition = position;
        const progress: HeldProgress = await context.step(`part ${part}`, async () => {
          await redaction.switches.refresh();
          const redact = await redaction.texts.open();
          const leftOutWorkspaces = redaction.switches.unredacted();
          const held = { database, blobs, pool: redaction.pool, redact, onRewritten: enqueueParse };
          const options = { ...held, isDryRun, filter, leftOutWorkspaces, signal: context.signal };
          return await redactHeld(options, from, FIRST_PART_MS + part * PART_GROWTH_MS);
        });
        position = progress.position;
        total.sessions += progress.sessions;
        addReplaced(total.replaced, progress.replaced);
        context.progress(total.sessions, undefined, "sessions searched");
      }
      if (!isDryRun && Object.keys(filter).length === 0)
        await database.run((sql) => noteHeldRulesVersion(sql, RULES_VERSION));
      const { rows, secrets, too_slow } = total.replaced;
      return { dry_run: isDryRun, sessions: total.sessions, rows, secrets, too_slow };
    },
  });
}

/** Enqueues the job when something is held that older rules, or none, have searched. */
export async function redactOutdated(
  database: Database,
  enqueue: (idempotencyKey: string) => Promise<unknown>,
): Promise<void> {
  const { version, is_empty } = await database.run(readHeldRulesVersion);
  if (version >= RULES_VERSION) return;
  if (is_empty) await database.run((sql) => noteHeldRulesVersion(sql, RULES_VERSION));
  else await enqueue(`rules ${RULES_VERSION}`);
}
