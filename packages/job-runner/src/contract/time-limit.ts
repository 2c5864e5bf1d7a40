/**
 * The value of a promise or, after `limitMs`, what `onTimeout` returns or throws. The work behind the promise is not stopped.
 */
export async function withTimeLimit<Value, Late>(
  promise: PromiseLike<Value>,
  limitMs: number,
  onTimeout: (limitMs: number) => Late,
): Promise<Value | Late> {
  const timeout = Promise.withResolvers<typeof TIMED_OUT>();
  const timer = setTimeout(timeout.resolve, limitMs, TIMED_OUT);
  try {
    const first = await Promise.race([promise, timeout.promise]);
    return first === TIMED_OUT ? onTimeout(limitMs) : first;
  } finally {
    clearTimeout(timer);
  }
}

const TIMED_OUT = Symbol("timed out");
