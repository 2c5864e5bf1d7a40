/** Named parameters of a statement. */
export type Bindings = Record<string, string | number | bigint | null>;

/** JSON text; undefined becomes null. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** JSON text of a list that restricts a statement; null: no restriction. */
export function listText(values: readonly string[] | undefined): string | null {
  return values === undefined ? null : JSON.stringify(values);
}
