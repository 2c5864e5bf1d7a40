/** SQLSTATE classes of rejected values: data exception, integrity, program limit. */
const DATA_STATES = /^(22|23|54)[0-9A-Z]{3}$/;

/** The SQLSTATE of an error, or the code of the driver or the system. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The database rejects the values: a retry of the same statement fails as well. */
export function isDataError(error: unknown): boolean {
  return DATA_STATES.test(errorCode(error) ?? "");
}
