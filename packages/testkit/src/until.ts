const DEADLINE_MS = 30_000;
const POLL_MS = 10;

export type UntilOptions = {
  deadlineMs?: number;
  /** What was waited for, and what is seen instead: read when the deadline has passed. */
  describe?: string | (() => string | Promise<string>);
};

type Falsy = false | undefined | null | 0 | "";

/**
 * Polls until `condition` is truthy, and answers its value. The one place where a test may pause.
 * A condition that throws ends the wait; one that hangs is left at the deadline.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = DEADLINE_MS, describe = "the condition" }: UntilOptions = {},
): Promise<Exclude<T, Falsy>> {
  const deadline = Promise.withResolvers<"late">();
  const timer = setTimeout(() => deadline.resolve("late"), deadlineMs);
  try {
    const found = await Promise.race([poll(condition, performance.now() + deadlineMs), deadline.promise]);
    if (found !== "late") return found.value;
  } finally {
    clearTimeout(timer);
  }
  const text = typeof describe === "string" ? describe : await describe();
  throw new Error(`Timed out after ${deadlineMs} ms: ${text}`);
}

async function poll<T>(
  condition: () => T | Promise<T>,
  endMs: number,
): Promise<{ value: Exclude<T, Falsy> } | "late"> {
  do {
    const value = await condition();
    if (isTruthy(value)) return { value };
    await Bun.sleep(POLL_MS);
  } while (performance.now() < endMs);
  return "late";
}

function isTruthy<T>(value: T): value is Exclude<T, Falsy> {
  return Boolean(value);
}
