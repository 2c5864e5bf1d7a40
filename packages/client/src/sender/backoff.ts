import { HubError } from "../sdk/hub-error.ts";

export type BackoffOptions = { now?: () => number; random?: () => number };

export type Backoff = {
  /** Milliseconds until the next request may be sent. */
  waitMs(): number;
  succeeded(): void;
  /** Follows Retry-After; otherwise each wait is about twice the one before. */
  failed(error: Error): void;
};

const FIRST_MS = 500;
const LONGEST_MS = 60_000;
/** A hub that asks for more is asked again after this. */
const RETRY_AFTER_MS_MAX = 10 * 60_000;
/** A key that the hub refuses needs a person. */
const DENIED_MS = 60_000;

export function createBackoff({ now = Date.now, random = Math.random }: BackoffOptions = {}): Backoff {
  let failures = 0;
  let wait_ms = 0;
  let until_ms = 0;

  return {
    waitMs: () => {
      const left_ms = until_ms - now();
      // More than all of it: the clock was set back.
      return left_ms > wait_ms ? 0 : Math.max(0, left_ms);
    },
    succeeded: () => {
      failures = 0;
      until_ms = 0;
    },
    failed: (error) => {
      const grown = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
      failures += 1;
      const spread = grown / 2 + (random() * grown) / 2;
      const ofHub = error instanceof HubError ? error : null;
      const isLong = ofHub !== null && isDenied(ofHub);
      const asked = Math.min(RETRY_AFTER_MS_MAX, ofHub?.retryAfterMs ?? 0);
      // Whole milliseconds: the difference of `until_ms` and the time is exact.
      wait_ms = isLong ? DENIED_MS : Math.ceil(Math.max(asked, spread));
      until_ms = now() + wait_ms;
    },
  };
}

export function isDenied({ status }: HubError): boolean {
  return status === 401 || status === 403;
}

/** What was sent is at fault: sending the same again cannot succeed. */
export function isRefused({ status }: HubError): boolean {
  return status === 400 || status === 413 || status === 415 || status === 422;
}

/** The hub failed for this request. 503: it is not ready for any request. */
export function isFailed({ status }: HubError): boolean {
  return status !== null && status >= 500 && status !== 503;
}
