import { pauseQueueSchema } from "@wharf/protocol";
import { toWireQueue } from "../../jobs/job-wire.ts";
import { CommandError } from "../command-error.ts";
import type { Request } from "./actions.ts";
import { check, noOperands, type Options, onlyOperand, withoutUndefined } from "./arguments.ts";
import type { Engine } from "./engine.ts";
import type { Row } from "./output.ts";

type WireQueue = ReturnType<typeof toWireQueue>;

/** `jobs queues`. */
export function queues(operands: readonly string[]): Request {
  noOperands(operands);
  return async function listQueues(engine, output) {
    const all = (await engine.queues()).map(toWireQueue);
    if (!output.json({ queues: all, next_cursor: null, has_more: false }))
      output.rows(all.map(toRow), "There are no queues.");
    return undefined;
  };
}

/** `jobs pause QUEUE`. */
export function pause(operands: readonly string[], options: Options): Request {
  const name = queueName(operands);
  const { reason } = check(pauseQueueSchema, withoutUndefined({ reason: options.reason }));
  return async function pauseQueue(engine, output) {
    const isKnown = (await engine.queues()).some(({ queue }) => queue === name);
    const isNew = await engine.pauseQueue(name, reason ?? null);
    if (output.json({ queue: await queueOf(engine, name) })) return undefined;
    const state = isNew ? `Queue ${name} paused.` : `Queue ${name} was already paused.`;
    output.line(isKnown ? state : `${state} No job has used this queue yet.`);
    return undefined;
  };
}

/** `jobs resume QUEUE`. */
export function resume(operands: readonly string[]): Request {
  const name = queueName(operands);
  return async function resumeQueue(engine, output) {
    const wasPaused = await engine.resumeQueue(name);
    if (output.json({ queue: await queueOf(engine, name) })) return undefined;
    output.line(wasPaused ? `Queue ${name} resumed.` : `Queue ${name} was not paused.`);
    return undefined;
  };
}

/** An unset variable of a script must not pause a queue without a name. */
function queueName(operands: readonly string[]): string {
  const name = onlyOperand(operands, "queue");
  if (name.trim() === "") throw new CommandError("Exactly one queue is required.", 2);
  return name;
}

async function queueOf(engine: Engine, name: string): Promise<WireQueue | null> {
  const stats = (await engine.queues([name])).find(({ queue }) => queue === name);
  return stats === undefined ? null : toWireQueue(stats);
}

function toRow(queue: WireQueue): Row {
  const { name, ready, scheduled, waiting, running, dead, capped } = queue;
  const counts = Object.entries({ ready, scheduled, waiting, running, dead }).map(
    ([state, count]) => [state, capped.includes(state) ? `${count}+` : count] as const,
  );
  const { oldest_ready_ms, completed_per_second, paused_at, pause_reason } = queue;
  return {
    queue: name,
    ...Object.fromEntries(counts),
    oldest: oldest_ready_ms === null ? null : `${(oldest_ready_ms / 1000).toFixed(1)} s`,
    rate: `${completed_per_second.toFixed(1)}/s`,
    paused:
      paused_at === null ? null : `since ${paused_at}${pause_reason === null ? "" : `: ${pause_reason}`}`,
  };
}
