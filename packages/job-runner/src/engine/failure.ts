import type { FailureKind } from "../contract/driver.ts";
import {
  JobCancelledError,
  JobDrainedError,
  JobRunnerError,
  JobSchemaError,
  LeaseLostError,
} from "../contract/errors.ts";
import { storableText } from "../contract/storable-json.ts";

const TEXT_MAX_LENGTH = 4000;
/** Characters of a name, a cause, or one error of a group. */
const PART_MAX_LENGTH = 1000;
const STACK_MAX_LENGTH = 20_000;
const CAUSES_MAX = 5;
const GROUPED_ERRORS_MAX = 10;
const LOST = [LeaseLostError, JobCancelledError, JobDrainedError];

/** The thrown value of a run, read once: its getters are not called again. */
export type Failure = {
  readonly name: string;
  /** Names and messages, including those of causes and grouped errors, as they are stored and shown. */
  readonly text: string;
  readonly stack: string | undefined;
  /** Null: the lease was lost or released. "retryable": another attempt may succeed. */
  readonly kind: Exclude<FailureKind, "attempts_exhausted"> | "retryable" | null;
};

/** Describes any thrown value. Never throws, even if getters, traps or conversions of the value do. */
export function failureOf(thrown: unknown): Failure {
  return {
    name: nameOf(thrown),
    text: storableText(withCauses(thrown), TEXT_MAX_LENGTH),
    stack: textOf(() => property(thrown, "stack"), STACK_MAX_LENGTH),
    kind: attempted(() => kindOf(thrown)) ?? "retryable",
  };
}

function kindOf(thrown: unknown): Failure["kind"] | undefined {
  if (!(thrown instanceof JobRunnerError)) return undefined;
  if (LOST.some((kind) => thrown instanceof kind)) return null;
  if (thrown instanceof JobSchemaError && thrown.side === "input") return "invalid_input";
  return thrown.isRetryable === false ? "unrecoverable" : "retryable";
}

function withCauses(thrown: unknown): string {
  const seen = new Set<unknown>();
  const parts: string[] = [];
  let current = thrown;
  while (parts.length <= CAUSES_MAX && current !== undefined && current !== null && !seen.has(current)) {
    seen.add(current);
    parts.push(withGroup(current, parts.length === 0 ? TEXT_MAX_LENGTH : PART_MAX_LENGTH));
    const link = current;
    current = attempted(() => property(link, "cause"));
  }
  return parts.length === 0 ? String(thrown) : parts.join("; caused by ");
}

/** The information of an AggregateError is in its errors. */
function withGroup(thrown: unknown, maxLength: number): string {
  const grouped = attempted(() => {
    const errors = property(thrown, "errors");
    return isError(thrown) && Array.isArray(errors)
      ? errors.slice(0, GROUPED_ERRORS_MAX).map((error) => describe(error, PART_MAX_LENGTH))
      : undefined;
  });
  const text = describe(thrown, maxLength);
  return grouped === undefined || grouped.length === 0 ? text : `${text} [${grouped.join("; ")}]`;
}

function describe(thrown: unknown, maxLength: number): string {
  const text =
    textOf(() => (isObject(thrown) ? messageOf(thrown) : String(thrown)), maxLength) ??
    textOf(() => JSON.stringify(thrown), maxLength) ??
    `a value of type ${typeof thrown} that cannot be described`;
  if (!hasMessage(thrown)) return text;
  return text === "" ? nameOf(thrown) : `${nameOf(thrown)}: ${text}`;
}

/** The message of an object, or its own conversion to text. */
function messageOf(thrown: object): unknown {
  if (hasMessage(thrown)) return property(thrown, "message");
  const text = String(thrown);
  return text.startsWith("[object ") ? undefined : text;
}

const hasMessage = (thrown: unknown) => attempted(() => typeof property(thrown, "message")) === "string";

/** The name of an error, or the code of another object. */
function nameOf(thrown: unknown): string {
  const name =
    textOf(() => property(thrown, "name"), PART_MAX_LENGTH) ??
    textOf(() => property(thrown, "code"), PART_MAX_LENGTH);
  if (name !== undefined && name !== "") return name;
  return attempted(() => isError(thrown)) ? "Error" : typeof thrown;
}

function textOf(read: () => unknown, maxLength: number): string | undefined {
  const text = attempted(read);
  return typeof text === "string" ? text.slice(0, maxLength) : undefined;
}

function property(value: unknown, key: string): unknown {
  return isObject(value) ? Reflect.get(value, key) : undefined;
}

const isError = (value: unknown) => value instanceof Error;

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function attempted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
