/** A connection string that cannot be used. The message names the part that is wrong, and never holds a value of it. */
export class ConnectionStringError extends Error {
  override readonly name = "ConnectionStringError";
}
