import { type FSWatcher, watch } from "node:fs";

export type Wake = {
  /** Ends the wait that is under way, or the next one. */
  now(): void;
  /** Resolves after this time, at `now`, or at the end of the signal. */
  wait(ms: number): Promise<void>;
};

export function createWake(signal: AbortSignal): Wake {
  let isCalled = false;
  let end: (() => void) | null = null;
  const now = () => {
    isCalled = true;
    end?.();
  };
  signal.addEventListener("abort", now, { once: true });

  return {
    now,
    wait: (ms) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          end = null;
          isCalled = false;
          resolve();
        };
        const timer = setTimeout(done, ms);
        end = done;
        if (isCalled || signal.aborted) done();
      }),
  };
}

/** Null where directories cannot be watched. */
export function watchDirectory(path: string, onChange: () => void): FSWatcher | null {
  try {
    const watcher = watch(path, { persistent: false }, onChange);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
