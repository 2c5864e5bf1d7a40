/** The server's certificate is not trusted, is another host's, or has expired; or there is no TLS at all. */
export const TLS_CODES: ReadonlySet<string> = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "TLS_NOT_OFFERED",
]);

/** Postgres takes no connection of this kind, which its own message tells. The password was not looked at. */
export function describeRefusal(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  if (/no encryption|SSL off|(?:SSL|TLS).* required|insecure/i.test(message))
    return "the database accepts only connections with TLS (28000): add sslmode=require, or verify-full, to DATABASE_URL";
  if (/certificate/i.test(message))
    return "the database requires a client certificate (28000): add sslcert=FILE and sslkey=FILE to DATABASE_URL";
  if (/pg_hba\.conf/.test(message))
    return "the database has no rule for this user, database and client address (28000): add one to its pg_hba.conf";
  return "the database refused the user in DATABASE_URL (28000): check that it exists and may log in";
}

export function describeTlsError(code: string): string {
  if (code === "TLS_NOT_OFFERED")
    return "the database does not support TLS, which sslmode in DATABASE_URL requires: enable TLS there, or use sslmode=disable";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `the database's certificate is for another host name (${code}): use that name in DATABASE_URL, or sslmode=verify-ca`;
  return `the database's certificate cannot be trusted (${code}): name the file of its authority with sslrootcert=FILE in DATABASE_URL; sslmode=require does not check it`;
}
