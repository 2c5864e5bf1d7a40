/** Codes of failures without a response of the hub; other codes are those of the hub's problems. */
export const UNREACHABLE = "HUB_UNREACHABLE";
export const TIMED_OUT = "HUB_TIMED_OUT";
export const UNEXPECTED_RESPONSE = "UNEXPECTED_RESPONSE";

export type HubErrorFields = {
  message: string;
  code: string;
  /** Null without a response. */
  status: number | null;
  /** How long the hub asks to wait before a retry; null if it does not. */
  retryAfterMs?: number | null;
  /** The response's JSON, such as `held` of a transcript conflict. */
  body?: unknown;
  cause?: unknown;
};

/** A request that did not succeed. `message` is a sentence for people and contains no key. */
export class HubError extends Error {
  override readonly name = "HubError";
  readonly code: string;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  readonly body: unknown;

  constructor({ message, code, status, retryAfterMs = null, body = null, cause }: HubErrorFields) {
    // Lines of a response could pass for others of the output.
    super(message.replace(/\s+/g, " "), { cause });
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.body = body;
  }

  /** There was no response, or one of a proxy in front of a hub that does not run. */
  get isUnreachable(): boolean {
    return this.status === null || [502, 503, 504].includes(this.status);
  }
}
