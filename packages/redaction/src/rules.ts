import rules from "./secret-rules.json" with { type: "json" };

/** One kind of secret, as data. */
export type SecretRule = {
  /** Lower case and dashes; part of the marker. */
  id: string;
  description: string;
  /** The pattern can match only a text that holds one of them. Lower-case keywords match in any case. */
  keywords: string[];
  /** A regular expression in the syntax that RE2 and JavaScript share. */
  pattern: string;
  /** "" or "i". */
  flags: string;
  /** The group that is the secret; 0 is the whole match. */
  group: number;
  /** Each match begins with one of the keywords. */
  begins?: boolean;
  /** Further pieces of a secret that may be longer than any window: matched again and again behind the pattern. */
  continues?: string;
  /** The last piece. */
  ends?: string;
  /** Bits per character that the secret must have at least. */
  entropy_min?: number;
  /** The secret must match this pattern. */
  require?: string;
  /** A secret that matches this pattern is a placeholder. */
  reject?: string;
  false_positives?: string;
  /** Joined, a text that holds a fake secret of this kind. In parts, so that no scanner takes it for a real one. */
  example_parts: string[];
};

export const SECRET_RULES: readonly SecretRule[] = rules;

/** Grows with every change of the rules; what an older version redacted is redacted again by a job. */
export const RULES_VERSION = 5;
