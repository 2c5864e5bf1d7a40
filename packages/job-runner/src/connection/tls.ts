import { readFileSync } from "node:fs";
import { ConnectionStringError } from "./connection-error.ts";

/** The TLS settings of libpq's sslmode and its files. */
export type TlsPolicy = {
  /** False: connect without TLS if the server does not offer it. */
  isRequired: boolean;
  /** Which server certificates are accepted. */
  accepts: "any" | "trusted" | "trusted-and-named";
  /** PEM. Without `ca`, the authorities that come with Bun are trusted. */
  files: { ca?: string; cert?: string; key?: string };
  /** Of the private key. */
  passphrase?: string;
};

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
/** The name of the authorities that come with the program. */
const SYSTEM_AUTHORITIES = "system";

/**
 * The TLS of a connection by `sslmode`, `sslrootcert`, `sslcert` and `sslkey`; null is none, as without sslmode.
 * `require` with an sslrootcert checks the certificate, as in libpq; `allow` is `prefer`, which tries TLS first.
 * Throws ConnectionStringError for an unknown mode, and for an unreadable file.
 */
export function readTlsPolicy(parameters: ReadonlyMap<string, string>): TlsPolicy | null {
  const authorities = parameters.get("sslrootcert");
  const mode = readMode(parameters, authorities === SYSTEM_AUTHORITIES);
  if (mode === "disable") return null;
  const hasAuthorities = authorities !== undefined && authorities !== SYSTEM_AUTHORITIES;
  const passphrase = parameters.get("sslpassword");
  return {
    isRequired: mode !== "prefer" && mode !== "allow",
    accepts: acceptedBy(mode, hasAuthorities),
    files: {
      ...(hasAuthorities ? { ca: readPem("sslrootcert", authorities) } : {}),
      ...optionalPem("cert", "sslcert", parameters),
      ...optionalPem("key", "sslkey", parameters),
    },
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function readMode(parameters: ReadonlyMap<string, string>, isBySystem: boolean): string {
  const ssl = parameters.get("ssl");
  // Other spellings, of JDBC and Node.
  const fallback = isBySystem ? "verify-full" : ssl === "true" ? "require" : "disable";
  const mode = parameters.get("sslmode") ?? (ssl !== undefined && MODES.includes(ssl) ? ssl : fallback);
  if (!MODES.includes(mode)) {
    const hint = "no-verify is require";
    throw new ConnectionStringError(`sslmode must be one of ${MODES.join(", ")} (${hint})`);
  }
  if (isBySystem && mode !== "verify-full") {
    throw new ConnectionStringError("sslrootcert=system needs sslmode=verify-full");
  }
  return mode;
}

function acceptedBy(mode: string, hasAuthorities: boolean): TlsPolicy["accepts"] {
  if (mode === "verify-full") return "trusted-and-named";
  return mode === "verify-ca" || (mode === "require" && hasAuthorities) ? "trusted" : "any";
}

function optionalPem<Name extends string>(
  name: Name,
  parameter: string,
  parameters: ReadonlyMap<string, string>,
) {
  const file = parameters.get(parameter);
  return file === undefined ? {} : { [name]: readPem(parameter, file) };
}

function readPem(parameter: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new ConnectionStringError(`the file of ${parameter} cannot be read`);
  }
}
