const TRUST_IT =
  "Set NODE_EXTRA_CA_CERTS to the file of its authority's certificate, or NODE_USE_SYSTEM_CA=1 if this system trusts the authority (Bun, or Node 22.19 or newer)";
const UNTRUSTED = `its certificate is not from an authority that this program trusts. ${TRUST_IT}`;
const ISSUER_UNKNOWN = `the authority of its certificate is not known. ${TRUST_IT}. For a public authority, let the hub send the whole chain of certificates`;

/** By the code of Node and Bun. */
const PROBLEMS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: ISSUER_UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ISSUER_UNKNOWN,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ISSUER_UNKNOWN,
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its certificate is for another name. Use the address that the certificate names, or give the hub a certificate for this one",
  CERT_HAS_EXPIRED: "its certificate has expired. Renew it, or correct the clock of this machine",
  CERT_NOT_YET_VALID: "its certificate is not valid yet. Check the clock of this machine",
};

/** What is wrong with the certificate of a hub, and what to do; null for the code of another failure. */
export function certificateProblem(code: string): string | null {
  const problem = Object.hasOwn(PROBLEMS, code) ? PROBLEMS[code] : undefined;
  return problem === undefined ? null : `${problem} (${code})`;
}
