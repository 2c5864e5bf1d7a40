/** Named parameters of a statement. */
export type Bindings = Record<string, string | number | bigint | null>;

/** JSON text; undefined becomes null. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** JSON text of a list that narrows a statement; null: it does not. */
export function listText(values: readonly string[] | undefined): string | null {
  return values === undefined ? null : JSON.stringify(values);
}
