import { hashOf } from "./api-key.ts";

/** Crockford's base32: no I, L, O or U, so that a code survives being read out and typed. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** 60 random bits: valid codes are accepted after any number of failures, so guessing must be infeasible. */
const CODE_CHARACTERS = 12;
const CODE_GROUP = /.{4}(?=.)/g;
export const ENROLMENT_CODE_LIFE_S = 10 * 60;

/** A code like `7K3M-Q9TX-40VB`, which works once and for ENROLMENT_CODE_LIFE_S. */
export function createEnrolmentCode(): { code: string; hash: string } {
  const characters = Array.from(crypto.getRandomValues(new Uint8Array(CODE_CHARACTERS)), (byte) =>
    ALPHABET.charAt(byte & 31),
  ).join("");
  return { code: characters.replaceAll(CODE_GROUP, "$&-"), hash: hashOf(characters) };
}

/** The hash of a typed code, or null for text that is not a code. */
export function hashOfTypedCode(typed: string): string | null {
  const characters = typed.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  const isCode = characters.length === CODE_CHARACTERS && [...characters].every((c) => ALPHABET.includes(c));
  return isCode ? hashOf(characters) : null;
}
