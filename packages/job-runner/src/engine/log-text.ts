import { storableJson } from "../contract/storable-json.ts";

const FIELDS_MAX_BYTES = 4000;
const TEXT_MAX_LENGTH = 2000;

export type LogFields = Readonly<Record<string, unknown>>;

/** Any value as text. Never throws: logging must not end the run. */
export function logText(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return String(value).slice(0, TEXT_MAX_LENGTH);
  } catch {
    return `a value of type ${typeof value} that cannot be shown`;
  }
}

/** Fields as JSON. Fields that JSON cannot represent become text. Never throws. */
export function logFields(fields: LogFields): LogFields {
  try {
    return bounded(storableJson(fields));
  } catch {
    return fieldByField(fields);
  }
}

function fieldByField(fields: LogFields): LogFields {
  try {
    return bounded(
      storableJson(Object.fromEntries(Object.keys(fields).map((key) => [key, asJson(fields, key)]))),
    );
  } catch {
    return { dropped: "fields that cannot be read" };
  }
}

function asJson(fields: LogFields, key: string): unknown {
  try {
    const value = fields[key];
    const text = JSON.stringify(value, bigintAsText);
    return text === undefined ? logText(value) : JSON.parse(text);
  } catch (error) {
    return `cannot be shown: ${error instanceof Error ? logText(error.message) : "it throws"}`;
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function bounded(text: string): LogFields {
  if (Buffer.byteLength(text) > FIELDS_MAX_BYTES) return { dropped: `more than ${FIELDS_MAX_BYTES} bytes` };
  const fields: unknown = JSON.parse(text);
  return typeof fields === "object" && fields !== null && !Array.isArray(fields)
    ? { ...fields }
    : { value: fields };
}
