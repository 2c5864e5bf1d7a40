import type { EventAddress, LogLine, NewEvent, NewWait, StepRecord } from "../../contract/durable-store.ts";
import { instantMicros, microsText } from "../../contract/instant.ts";
import type { ScheduleRecord } from "../../contract/schedule-store.ts";
import type { JsonText } from "../../contract/storable-json.ts";
import { NEVER, textOrNull } from "./job.ts";

export type MemoryStep = {
  readonly name: string;
  readonly kind: StepRecord["kind"];
  readonly wakeAt: bigint | null;
  readonly event: EventAddress | null;
  readonly createdAt: bigint;
  finishedAt: bigint | null;
  output: JsonText | undefined;
  eventId: string | null;
};

export type MemoryEvent = {
  readonly storeId: string;
  readonly createdAt: bigint;
} & NewEvent;

export type MemoryDurable = {
  steps: Map<string, Map<string, MemoryStep>>;
  logs: Map<string, LogLine[]>;
  events: MemoryEvent[];
  schedules: Map<string, ScheduleRecord>;
  lastEventId: number;
};

/** The further data of the memory driver: steps and log lines by job id, events and schedules by name. */
export function newMemoryDurable(): MemoryDurable {
  return {
    steps: new Map<string, Map<string, MemoryStep>>(),
    logs: new Map<string, LogLine[]>(),
    events: [] as MemoryEvent[],
    schedules: new Map<string, ScheduleRecord>(),
    lastEventId: 0,
  };
}

export function newMemoryWait(wait: NewWait, now: bigint): MemoryStep {
  return {
    name: wait.name,
    kind: wait.event === undefined ? "sleep" : "event",
    wakeAt: wakeTime(wait, now),
    event: wait.event ?? null,
    createdAt: now,
    finishedAt: null,
    output: undefined,
    eventId: null,
  };
}

export function toStepRecord(step: MemoryStep): StepRecord {
  return {
    ...step,
    output: step.output === undefined ? undefined : JSON.parse(step.output),
    wakeAt: textOrNull(step.wakeAt),
    finishedAt: textOrNull(step.finishedAt),
    createdAt: microsText(step.createdAt),
  };
}

export function forgetEvents(durable: MemoryDurable, before: bigint): void {
  durable.events = durable.events.filter((event) => event.createdAt >= before);
  for (const [name, schedule] of durable.schedules) {
    if (instantMicros(schedule.nextAt) < before) durable.schedules.delete(name);
  }
}

function wakeTime(wait: NewWait, now: bigint): bigint {
  if (wait.forMs !== undefined) return now + BigInt(Math.round(wait.forMs * 1000));
  return wait.until === undefined ? NEVER : instantMicros(wait.until);
}
