import { describeIssue } from "@wharf/protocol";
import type { z } from "zod";
import { CommandError } from "../command-error.ts";
import { parseWords, type Values } from "../parse-words.ts";

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  status: { type: "string" },
  queue: { type: "string" },
  type: { type: "string" },
  "concurrency-key": { type: "string" },
  after: { type: "string" },
  before: { type: "string" },
  limit: { type: "string" },
  cursor: { type: "string" },
  reason: { type: "string" },
  input: { type: "string" },
  "idempotency-key": { type: "string" },
  priority: { type: "string" },
  "run-at": { type: "string" },
  "delay-ms": { type: "string" },
  "keep-attempts": { type: "boolean" },
} as const;

export type Options = Values<typeof OPTIONS>;

/** The words behind `bun run jobs`. Throws CommandError for an unknown option. */
export function readArguments(words: string[]) {
  const { values, positionals } = parseWords(words, OPTIONS, true);
  const [name, ...operands] = positionals;
  return { name, operands, options: values };
}

/** The options that select jobs, in the form of the API's schemas; ids are operands. */
export function filterOf(options: Options, ids: readonly string[] = []) {
  const { status, queue, type, after, before } = options;
  return withoutUndefined({
    status: status?.split(","),
    ids: ids.length === 0 ? undefined : ids,
    queue,
    type,
    concurrency_key: options["concurrency-key"],
    after,
    before,
  });
}

/** Checks what was typed with the schema that checks requests. Throws CommandError, which names the option. */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const option = String(issue?.path[0] ?? "").replaceAll("_", "-");
  const detail = issue === undefined ? "is not valid" : describeIssue(issue, value).detail;
  throw new CommandError(`${option === "ids" ? "ID" : `--${option}`}: ${detail}`, 2);
}

export function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** The JSON of --input. */
export function inputOf(text: string | undefined): unknown {
  try {
    return text === undefined ? {} : JSON.parse(text);
  } catch {
    throw new CommandError(`--input: must be JSON, like '{"due_ms": 0}'`, 2);
  }
}

export function onlyOperand(operands: readonly string[], what: string): string {
  const [operand, ...others] = operands;
  if (operand !== undefined && others.length === 0) return operand;
  throw new CommandError(`Exactly one ${what} is required.`, 2);
}

export function noOperands(operands: readonly string[]): void {
  if (operands.length > 0) throw new CommandError(`Unexpected argument "${operands[0]}".`, 2);
}

export function withoutUndefined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
