import { createHash } from "node:crypto";
import { ulidOf } from "@wharf/protocol/ulid";

/** What a hook left in the spool. */
export type HookFile = {
  /** Its name in the spool, which no other hook has. */
  name: string;
  /** An agent, `codex-notify` or `git`. */
  source: string;
  /** Of the hook, in milliseconds since 1970. */
  time_ms: number;
  fields: ReadonlyMap<string, string>;
  /** The hook's standard input. */
  input: Buffer;
  /** SHA-256 of all of it. */
  hash: Buffer;
};

/** A spool file that is kept apart, because it can become no event. `message` is the reason. */
export class UnreadableHookError extends Error {
  override readonly name = "UnreadableHookError";
}

const HASH_BYTES_OF_ID = 10;

/** Throws UnreadableHookError for bytes that no hook of this version writes. */
export function readHookFile(name: string, bytes: Buffer, time_ms: number): HookFile {
  const fields = new Map<string, string>();
  for (let at = 0; ; ) {
    const end = bytes.indexOf(0, at);
    if (end === -1) throw new UnreadableHookError("the file does not have the form of a hook's spool file");
    const field = bytes.toString("utf8", at, end);
    at = end + 1;
    if (field === "") {
      const source = name.slice(0, name.indexOf("."));
      const hash = createHash("sha256").update(name).update("\0").update(bytes).digest();
      return { name, source, time_ms, fields, input: bytes.subarray(at), hash };
    }
    const equals = field.indexOf("=");
    fields.set(field.slice(0, equals), field.slice(equals + 1));
  }
}

/** A field; null when it is missing or empty. */
export function fieldOf({ fields }: HookFile, name: string): string | null {
  return fields.get(name) || null;
}

/**
 * The id of the file's n-th event: its time and 80 bits of a hash of device, file and bytes. A file that is read a second time, after a
 * crash, becomes the same events.
 */
export function eventIdOf({ time_ms, hash }: HookFile, device_id: string, index: number): string {
  const bytes = createHash("sha256").update(device_id).update("\0").update(hash).update(`${index}`).digest();
  return ulidOf(time_ms, bytes.subarray(0, HASH_BYTES_OF_ID));
}
