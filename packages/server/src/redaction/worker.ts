import { parentPort, workerData } from "node:worker_threads";
import { createMarker, createRedactor, RedactionTimeError, type Redactor } from "@wharf/redaction";
import { z } from "zod";
import { type RedactedBytes, type RedactionUnit, redactBytes } from "./redact-bytes.ts";

export type RedactionRequest = {
  bytes: Uint8Array<ArrayBuffer>;
  unit: RedactionUnit;
  budgetMs: number;
};
/** `too_slow`: the part took longer than its budget. */
export type RedactionAnswer = RedactedBytes | "too_slow";

export const workerDataSchema = z.object({ secret: z.string().min(1), budgetMs: z.number() });

/** Answers each message with its redacted bytes. */
function serve({ secret, budgetMs }: z.infer<typeof workerDataSchema>): void {
  const redactor = createRedactor({ mark: createMarker(secret), budgetMs });
  parentPort?.on("message", (request: RedactionRequest) => {
    const answer = answerTo(redactor, request);
    if (answer === "too_slow") parentPort?.postMessage(answer);
    else parentPort?.postMessage(answer, [answer.bytes.buffer]);
  });
}

function answerTo(redactor: Redactor, { bytes, unit, budgetMs }: RedactionRequest): RedactionAnswer {
  try {
    return redactBytes(redactor, bytes, unit, budgetMs);
  } catch (error) {
    if (error instanceof RedactionTimeError) return "too_slow";
    throw error;
  }
}

if (parentPort !== null) serve(workerDataSchema.parse(workerData));
