import { Worker } from "node:worker_threads";
import { RedactionTimeError } from "@wharf/redaction";
import pLimit from "p-limit";
import type { HubSecret } from "./hub-secret.ts";
import type { RedactedBytes } from "./redact-bytes.ts";
import type { RedactionAnswer, RedactionRequest } from "./worker.ts";

/** Kinds of transcript files. */
export type PartKind = "main" | "subagent" | "tool-result" | "meta" | "index";

export type RedactionPool = {
  /**
   * A part of a transcript file with markers in place of secrets: whole lines of `main` and `subagent`, a whole text of the others.
   * Runs in a worker thread, one part at a time. Throws RedactionTimeError for a part that takes longer than its budget.
   */
  redactPart(bytes: Uint8Array, kind: PartKind): Promise<RedactedBytes>;
  /** Ends the worker; parts that are not redacted yet fail. */
  close(): Promise<void>;
};

export type RedactionPoolOptions = {
  secret: HubSecret;
  /** Of one part. Default: 10 s. */
  budgetMs?: number;
};

/** 32 MB of ordinary lines take about a second. */
const BUDGET_MS = 10_000;
/** A worker that does not answer by then is in an endless search, and is ended. */
const GRACE_MS = 2_000;
const LINE_KINDS: ReadonlySet<PartKind> = new Set(["main", "subagent"]);

export function createRedactionPool({ secret, budgetMs = BUDGET_MS }: RedactionPoolOptions): RedactionPool {
  const inTurn = pLimit(1);
  let worker: Worker | undefined;

  async function running(): Promise<Worker> {
    if (worker !== undefined) return worker;
    const workerData = { secret: await secret(), budgetMs };
    const started = new Worker(new URL("./worker.ts", import.meta.url), { workerData });
    started.unref();
    started.once("exit", () => {
      if (worker === started) worker = undefined;
    });
    worker = started;
    return started;
  }

  async function redact(request: RedactionRequest): Promise<RedactedBytes> {
    const current = await running();
    const answer = await ask(current, request);
    if (answer !== null && answer !== "too_slow") return answer;
    if (answer === null) await end(current);
    throw new RedactionTimeError(budgetMs);
  }

  async function end(ended: Worker): Promise<void> {
    if (worker === ended) worker = undefined;
    await ended.terminate();
  }

  return {
    redactPart: (bytes, kind) => {
      const unit = LINE_KINDS.has(kind) ? "lines" : "whole";
      return inTurn(() => redact({ bytes: new Uint8Array(bytes), unit, budgetMs }));
    },
    close: async () => {
      inTurn.clearQueue();
      if (worker !== undefined) await end(worker);
    },
  };
}

/** Null: the worker does not answer. Rejects when it fails. */
function ask(worker: Worker, request: RedactionRequest): Promise<RedactionAnswer | null> {
  const { promise, resolve, reject } = Promise.withResolvers<RedactionAnswer | null>();
  const late = setTimeout(resolve, request.budgetMs + GRACE_MS, null);
  const ended = () => reject(new Error("the redaction worker ended"));
  worker.once("message", resolve);
  worker.once("error", reject);
  worker.once("exit", ended);
  worker.postMessage(request, [request.bytes.buffer]);
  return promise.finally(() => {
    clearTimeout(late);
    worker.off("message", resolve);
    worker.off("error", reject);
    worker.off("exit", ended);
  });
}
