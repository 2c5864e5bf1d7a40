import type { Driver } from "../contract/driver.ts";
import type { NewWait, StepRecord } from "../contract/durable-store.ts";
import { JobStepError, JobSuspendedError } from "../contract/errors.ts";
import { NAME_MAX_LENGTH } from "../contract/option-schemas.ts";
import { type JsonText, jsonOf, requireStorable } from "../contract/storable-json.ts";
import type { JobRun } from "./job-run.ts";
import type { WriteUnderLease } from "./write-under-lease.ts";

/** Bytes of JSON that a step may return. Store larger results elsewhere and return their location. */
export const STEP_OUTPUT_MAX_BYTES = 1_048_576;
/** Maximum of steps, sleeps and waits of one job. */
export const STEPS_MAX = 1000;
const KINDS = { step: "a step", sleep: "a sleep", event: "a wait for an event" };

export type StepServices = {
  readonly driver: Driver;
  readonly writeUnderLease: WriteUnderLease;
  /** Throws when the run may not write any more. */
  requireLease(run: JobRun): void;
};

export type RunSteps = {
  step<T>(name: string, perform: () => T | Promise<T>): Promise<T>;
  pause(wait: NewWait): Promise<StepRecord>;
  settle(): Promise<readonly NewWait[]>;
};

/** The steps of one run. Created on first use, which reads the finished steps: jobs without steps have no cost. */
export function createRunSteps(
  run: JobRun,
  { driver, writeUnderLease, requireLease }: StepServices,
): RunSteps {
  const names = new Set<string>();
  const open = new Set<Promise<unknown>>();
  const waits: NewWait[] = [];
  let known: Promise<ReadonlyMap<string, StepRecord>> | undefined;

  /** The step's result, from this or an earlier run, converted to JSON and back. */
  function step<T>(name: string, perform: () => T | Promise<T>): Promise<T> {
    const ended = runStep(name, perform).finally(() => open.delete(ended));
    open.add(ended);
    return ended;
  }

  async function runStep<T>(name: string, perform: () => T | Promise<T>): Promise<T> {
    enter(name);
    const finished = (await load()).get(name);
    requireKind(name, "step", finished);
    // An earlier run of the same code returned it, so it has the declared type.
    if (finished !== undefined) return finished.output as T;
    requireLease(run);
    const output = asJson(await perform());
    await writeUnderLease(run, "saveStep", () => driver.saveStep(run.job, { name, output }));
    requireLease(run);
    return output === undefined ? (output as T) : JSON.parse(output);
  }

  /** The finished wait; otherwise the run is suspended. */
  async function pause(wait: NewWait): Promise<StepRecord> {
    enter(wait.name);
    const step = (await load()).get(wait.name);
    requireKind(wait.name, wait.event === undefined ? "sleep" : "event", step);
    if (step !== undefined && step.finishedAt !== null) return step;
    waits.push(wait);
    throw new JobSuspendedError(run.job.jobId);
  }

  /** Resolves with the run's waits when its last step has ended. */
  async function settle(): Promise<readonly NewWait[]> {
    while (open.size > 0) await Promise.allSettled(open);
    return waits;
  }

  function enter(name: string) {
    if (waits.length > 0) throw new JobSuspendedError(run.job.jobId);
    if (name === "" || name.length > NAME_MAX_LENGTH) {
      throw invalid(`a step's name has 1 to ${NAME_MAX_LENGTH} characters.`);
    }
    requireStorable(`The name of a step of a ${run.job.type} job`, name);
    if (names.has(name))
      throw invalid(`step "${name}" was started twice in one run; give each its own name.`);
    if (names.size >= STEPS_MAX)
      throw invalid(`a job has at most ${STEPS_MAX} steps; split it into several jobs.`);
    names.add(name);
  }

  /** A result stored under this name by other code is not a result of this code. */
  function requireKind(name: string, kind: StepRecord["kind"], stored: StepRecord | undefined) {
    if (stored === undefined || stored.kind === kind) return;
    throw invalid(
      `"${name}" was ${KINDS[stored.kind]} in an earlier run and is ${KINDS[kind]} now; give it a new name.`,
    );
  }

  function load() {
    known ??= writeUnderLease(run, "resumeSteps", () => driver.resumeSteps(run.job)).then(
      (steps) => new Map(steps.map((stored) => [stored.name, stored])),
    );
    return known;
  }

  function asJson(output: unknown): JsonText | undefined {
    if (output === undefined) return undefined;
    const text = jsonOf(`What a step of a ${run.job.type} job returned`, output);
    if (Buffer.byteLength(text) > STEP_OUTPUT_MAX_BYTES) {
      throw invalid(`a step returned more than ${STEP_OUTPUT_MAX_BYTES} bytes; store them elsewhere.`);
    }
    return text;
  }

  const invalid = (message: string) => new JobStepError(run.job.type, message);

  return { step, pause, settle };
}
