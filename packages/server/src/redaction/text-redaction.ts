import { storableJsonText } from "@wharf/job-runner";
import {
  createMarker,
  createRedactor,
  type RedactionCounts,
  RedactionTimeError,
  type Redactor,
} from "@wharf/redaction";
import type { HubSecret } from "./hub-secret.ts";
import type { RedactionPool } from "./redaction-pool.ts";

/** A text with markers in place of secrets, and their number by rule. */
export type RedactedText = { text: string; counts: RedactionCounts };

/**
 * Null: the text holds no secret. A JSON text is searched string by string, another as it is. A promise only for the few texts that a
 * worker thread searches; it rejects with RedactionTimeError for a text that takes longer than the worker's budget.
 */
export type RedactText = (text: string) => RedactedText | null | Promise<RedactedText | null>;

export type TextRedaction = {
  /** What redacts the texts of one request. Rejects while the hub's secret cannot be read. */
  open(): Promise<RedactText>;
};

/** How long a text may block other requests. The search of ordinary text takes 10 ms a megabyte. */
const INLINE_BUDGET_MS = 20;
/** At most 14 ms, for a text of secrets alone. When it takes longer, the process was paused. */
const UNTIMED_CHARACTERS_MAX = 32 * 1024;
/** How long all texts of a request may wait for the worker, which they share with the transcripts. */
const WORKER_BUDGET_MS = 10_000;

export function createTextRedaction(secret: HubSecret, pool: RedactionPool): TextRedaction {
  let redactLine: RedactLine | undefined;

  async function open(): Promise<RedactText> {
    redactLine ??= createRedactLine(await secret());
    return createRedactText(redactLine, pool);
  }

  return { open };
}

type RedactLine = Redactor["line"];

/** Throws RedactionTimeError for a long text that takes longer than its budget. */
function createRedactLine(secret: string): RedactLine {
  let isTimed = false;
  const { line } = createRedactor({
    mark: createMarker(secret),
    budgetMs: INLINE_BUDGET_MS,
    now: () => (isTimed ? performance.now() : 0),
  });
  return (text, counts) => {
    isTimed = text.length > UNTIMED_CHARACTERS_MAX;
    return line(text, counts);
  };
}

function createRedactText(redactLine: RedactLine, pool: RedactionPool): RedactText {
  let counts: RedactionCounts = new Map();
  let workerLeftMs = WORKER_BUDGET_MS;

  function redactText(text: string) {
    try {
      const redacted = redactLine(text, counts);
      if (redacted === text) return null;
      const found = counts;
      counts = new Map();
      // A secret may end within a surrogate pair.
      return { text: storableJsonText(redacted), counts: found };
    } catch (error) {
      counts = new Map();
      if (!(error instanceof RedactionTimeError) || workerLeftMs <= 0) throw error;
      const startedMs = performance.now();
      return redactInWorker(text, pool).finally(() => {
        workerLeftMs -= performance.now() - startedMs;
      });
    }
  }

  return redactText;
}

async function redactInWorker(text: string, pool: RedactionPool): Promise<RedactedText | null> {
  const { bytes, counts } = await pool.redactPart(new TextEncoder().encode(text), "index");
  const found = new Map(Object.entries(counts.hub));
  return found.size === 0 ? null : { text: storableJsonText(new TextDecoder().decode(bytes)), counts: found };
}
