import { describe } from "bun:test";
import { describeAttempts } from "./attempts.ts";
import { describeConcurrency } from "./concurrency.ts";
import { describeDeadLetters } from "./dead-letters.ts";
import { describeEnqueue } from "./enqueue.ts";
import { describeEvents } from "./events.ts";
import { describeIdempotency } from "./idempotency.ts";
import { describeJobChanges } from "./job-changes.ts";
import { describeJobLists } from "./job-lists.ts";
import { describeLeaseErrors } from "./lease-errors.ts";
import { describeLeases } from "./leases.ts";
import { describeOptions } from "./options.ts";
import { describeOrder } from "./order.ts";
import { describeProgressLog } from "./progress-log.ts";
import { describeQueues } from "./queues.ts";
import { describeRecovery } from "./recovery.ts";
import { describeRemoval } from "./removal.ts";
import { describeReplace } from "./replace.ts";
import { describeRetries } from "./retries.ts";
import { describeSchedules } from "./schedules.ts";
import type { DriverUnderTest } from "./setup.ts";
import { describeSteps } from "./steps.ts";
import { describeWaits } from "./waits.ts";

/** Registers every case of the driver contract. `current` gives the driver, its store empty before each case. */
export function describeDriverContract(name: string, current: DriverUnderTest): void {
  describe(`the driver contract on ${name}`, () => {
    describeEnqueue(current);
    describeOrder(current);
    describeOptions(current);
    describeIdempotency(current);
    describeReplace(current);
    describeLeases(current);
    describeLeaseErrors(current);
    describeRetries(current);
    describeDeadLetters(current);
    describeConcurrency(current);
    describeRecovery(current);
    describeJobLists(current);
    describeJobChanges(current);
    describeRemoval(current);
    describeQueues(current);
    describeSteps(current);
    describeWaits(current);
    describeEvents(current);
    describeProgressLog(current);
    describeAttempts(current);
    describeSchedules(current);
  });
}
