/** What went wrong and what to do about it. Never holds the password. */
export class EmbeddedPostgresError extends Error {
  override readonly name = "EmbeddedPostgresError";
}
