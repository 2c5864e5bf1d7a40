import { describe } from "bun:test";
import { describeConcurrency } from "./concurrency.ts";
import { describeDeadLetters } from "./dead-letters.ts";
import { describeEnqueue } from "./enqueue.ts";
import { describeIdempotency } from "./idempotency.ts";
import { describeJobChanges } from "./job-changes.ts";
import { describeJobLists } from "./job-lists.ts";
import { describeLeaseErrors } from "./lease-errors.ts";
import { describeLeases } from "./leases.ts";
import { describeQueues } from "./queues.ts";
import { describeRecovery } from "./recovery.ts";
import { describeRetries } from "./retries.ts";
import type { DriverUnderTest } from "./setup.ts";

/** Registers every case of the driver contract. `current` gives the driver, its store empty before each case. */
export function describeDriverContract(name: string, current: DriverUnderTest) {
  describe(`the driver contract on ${name}`, () => {
    describeEnqueue(current);
    describeIdempotency(current);
    describeLeases(current);
    describeLeaseErrors(current);
    describeRetries(current);
    describeDeadLetters(current);
    describeConcurrency(current);
    describeRecovery(current);
    describeJobLists(current);
    describeJobChanges(current);
    describeQueues(current);
  });
}
