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
/** A key that the hub refuses needs a person. */
const DENIED_MS = 60_000;

export function createBackoff({ now = Date.now, random = Math.random }: BackoffOptions = {}): Backoff {
  let failures = 0;
  let until_ms = 0;

  return {
    waitMs: () => Math.max(0, until_ms - now()),
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
      until_ms = now() + (isLong ? DENIED_MS : Math.max(ofHub?.retryAfterMs ?? 0, spread));
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
