import { type JobDefinition, JobSchemaError } from "@wharf/job-runner";
import { cancelJobsSchema, enqueueJobSchema, retryJobsSchema } from "@wharf/protocol";
import { toInstant, toJobFilter, toWireJob } from "../../jobs/job-wire.ts";
import { CommandError } from "../command-error.ts";
import type { Request } from "./actions.ts";
import {
  check,
  filterOf,
  inputOf,
  numberOf,
  type Options,
  onlyOperand,
  withoutUndefined,
} from "./arguments.ts";
import type { Engine } from "./engine.ts";
import { describe, found, requireId, writeJobs } from "./show.ts";

/** `jobs enqueue TYPE`. */
export function enqueue(operands: readonly string[], options: Options): Request {
  const wanted = check(
    enqueueJobSchema,
    withoutUndefined({
      type: onlyOperand(operands, "job type"),
      input: inputOf(options.input),
      idempotency_key: options["idempotency-key"],
      priority: numberOf(options.priority),
      run_at: options["run-at"],
      delay_ms: numberOf(options["delay-ms"]),
    }),
  );
  const { type, input, idempotency_key, priority, run_at, delay_ms } = wanted;
  const jobOptions = {
    ...(idempotency_key !== undefined && { idempotencyKey: idempotency_key }),
    ...(priority !== undefined && { priority }),
    ...(run_at !== undefined && { runAt: toInstant(run_at) }),
    ...(delay_ms !== undefined && { delayMs: delay_ms }),
  };
  return async function enqueueJob(engine, output) {
    const { id, existed } = await engine
      .enqueue(definitionOf(engine, type), input, jobOptions)
      .catch(explainInput);
    const job = toWireJob(await found(engine, id));
    if (output.json({ job, existed })) return undefined;
    if (existed) output.line(`Job ${id} already has this idempotency key; no job was enqueued.`);
    writeJobs(output, [job]);
    return undefined;
  };
}

/** `jobs retry ID… | filter`. */
export function retry(operands: readonly string[], options: Options): Request {
  const ids = operands.map(requireId);
  const keep_attempts = options["keep-attempts"] ?? false;
  const { keep_attempts: keepAttempts, ...filter } = check(retryJobsSchema, {
    ...requireFilter(filterOf(options, ids)),
    keep_attempts,
  });
  // Who names a cancelled job by its number means it.
  const wanted =
    ids.length > 0 && filter.status === undefined ? { ...filter, status: ["failed" as const] } : filter;
  return async function retryJobs(engine, output) {
    const retried = await engine.requeue(toJobFilter(wanted), { keepAttempts });
    if (!output.json({ retried })) output.line(`${retried} retried`);
    return await exitCodeOf(engine, ids, retried, "only a dead or cancelled job can be retried");
  };
}

/** `jobs cancel ID… | filter`. */
export function cancel(operands: readonly string[], options: Options): Request {
  const ids = operands.map(requireId);
  const typed = withoutUndefined({ ...requireFilter(filterOf(options, ids)), reason: options.reason });
  const { reason, ...filter } = check(cancelJobsSchema, typed);
  return async function cancelJobs(engine, output) {
    const cancelled = await engine.cancelAll(toJobFilter(filter), reason);
    if (!output.json({ cancelled })) output.line(`${cancelled} cancelled`);
    return await exitCodeOf(engine, ids, cancelled, "only a queued or running job can be cancelled");
  };
}

/** Throws CommandError for a type that the server does not have. */
export function definitionOf(engine: Engine, type: string): JobDefinition {
  const definition = engine.definitions.get(type);
  if (definition !== undefined) return definition;
  const known = [...engine.definitions.keys()].sort().join(", ");
  throw new CommandError(`Unknown job type "${type}". Known types: ${known}.`, 1);
}

export function explainInput(error: unknown): never {
  if (!(error instanceof JobSchemaError)) throw error;
  const places = error.issues.map(({ pointer, detail }) => `${pointer || "the input"}: ${detail}`);
  throw new CommandError(`--input is invalid: ${places.join("; ")}.`, 1);
}

/** Of jobs that were named, every one must have been in the right state. */
async function exitCodeOf(engine: Engine, ids: readonly string[], changed: number, rule: string) {
  const missing = new Set(ids).size - changed;
  if (ids.length === 0 || missing <= 0) return 0;
  const [id] = ids;
  const state =
    ids.length === 1 && id !== undefined ? describe(await found(engine, id)) : `${missing} not changed`;
  throw new CommandError(`${state}: ${rule}.`, 1);
}

function requireFilter(filter: Record<string, unknown>): Record<string, unknown> {
  if (Object.keys(filter).length > 0) return filter;
  throw new CommandError("No jobs selected: give IDs, or a filter such as --status dead.", 2);
}
