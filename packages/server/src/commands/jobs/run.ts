import { JobNotRunnableError, type JobRecord } from "@wharf/job-runner";
import { toWireJob } from "../../jobs/job-wire.ts";
import { CommandError } from "../command-error.ts";
import type { Request } from "./actions.ts";
import { inputOf, type Options, onlyOperand } from "./arguments.ts";
import { definitionOf, explainInput } from "./change.ts";
import type { Engine } from "./engine.ts";
import { writeJobs } from "./show.ts";

/** Ready jobs of a type that are looked at before saying that there is none to run. */
const CANDIDATES = 10;
/** A new job is stored for later, so that no worker takes it before this process does. */
const HOLD_MS = 60_000;

/** `jobs run ID`, `jobs run TYPE` and `jobs run TYPE --input JSON`. Exit code 0 only if the job was completed. */
export function run(operands: readonly string[], options: Options): Request {
  const named = onlyOperand(operands, "job ID or type");
  const input = options.input === undefined ? undefined : inputOf(options.input);
  return async function runJob(engine, output) {
    const isId = /^\d+$/.test(named);
    if (isId && input !== undefined)
      throw new CommandError("A stored job already has an input: omit --input.", 2);
    const job = await (isId ? runOne(engine, named) : runOfType(engine, named, input));
    if (!output.json({ job: { ...toWireJob(job), output: job.output } })) {
      writeJobs(output, [toWireJob(job)]);
      if (job.output !== null) output.line(`output: ${JSON.stringify(job.output)}`);
    }
    return job.status === "completed" ? 0 : 1;
  };
}

async function runOfType(engine: Engine, type: string, input: unknown): Promise<JobRecord> {
  const definition = definitionOf(engine, type);
  if (input !== undefined) {
    const { id } = await engine.enqueue(definition, input, { delayMs: HOLD_MS }).catch(explainInput);
    return await runOne(engine, id);
  }
  const ready = await engine.list({ type, states: ["ready"] }, { limit: CANDIDATES });
  for (const { id } of ready.reverse()) {
    const job = await engine.runOne(id).catch(undefinedIfTaken);
    if (job !== undefined) return job;
  }
  throw new CommandError(`No job of type ${type} is ready. To run a new one, add --input.`, 1);
}

async function runOne(engine: Engine, id: string): Promise<JobRecord> {
  try {
    return await engine.runOne(id);
  } catch (error) {
    if (error instanceof JobNotRunnableError) throw new CommandError(error.message, 1);
    throw error;
  }
}

function undefinedIfTaken(error: unknown): undefined {
  if (!(error instanceof JobNotRunnableError)) throw error;
}
