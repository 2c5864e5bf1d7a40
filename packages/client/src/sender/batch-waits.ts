import type { HubError } from "../sdk/hub-error.ts";
import { type Backoff, type BackoffOptions, createBackoff } from "./backoff.ts";

/** Batches for which the hub failed: each waits by itself, so that the others are sent. */
export type BatchWaits = {
  /** How the hub failed for a batch that still waits; null: it does not. */
  waiting(name: string): HubError | null;
  /** Answers whether it is time to halve the batch. */
  failed(name: string, error: HubError): boolean;
  /** The halves of a batch need no attempts of their own before they are halved. */
  replace(name: string, halves: readonly string[]): void;
  forget(name: string): void;
};

const ATTEMPTS_WHOLE = 3;

export function createBatchWaits(options: BackoffOptions = {}): BatchWaits {
  const waits = new Map<string, { attempts: number; backoff: Backoff; error: HubError | null }>();

  return {
    waiting(name) {
      const wait = waits.get(name);
      return wait !== undefined && wait.backoff.waitMs() > 0 ? wait.error : null;
    },
    failed(name, error) {
      const { attempts, backoff } = waits.get(name) ?? { attempts: 0, backoff: createBackoff(options) };
      backoff.failed(error);
      waits.set(name, { attempts: attempts + 1, backoff, error });
      return attempts + 1 >= ATTEMPTS_WHOLE;
    },
    replace(name, halves) {
      waits.delete(name);
      for (const half of halves)
        waits.set(half, { attempts: ATTEMPTS_WHOLE - 1, backoff: createBackoff(options), error: null });
    },
    forget: (name) => waits.delete(name),
  };
}
