/** An invalid connection string. The message names the invalid part, and never contains a value of it. */
export class ConnectionStringError extends Error {
  override readonly name = "ConnectionStringError";
}
