import { OverloadError } from "../errors.ts";

export type BodyMemory = {
  /** Counts bytes of an owner's body until they are given back. Throws OverloadError when there is no room for them. */
  take(owner: string, bytes: number): void;
  giveBack(owner: string, bytes: number): void;
  bytes(): number;
};

export type BodyMemoryOptions = {
  /** Of all bodies of this process, from their first byte to the response. */
  bytes_max: number;
  onRefusal?: () => void;
};

/** One key must not keep all others from sending. */
const OWNER_SHARE_MAX = 0.5;

/** The bytes of all request bodies that the process holds, as sent and decompressed. */
export function createBodyMemory({ bytes_max, onRefusal }: BodyMemoryOptions): BodyMemory {
  const owned = new Map<string, number>();
  let held = 0;

  /** A body larger than the bound or the share is accepted when it is the only one, or its owner's only one. */
  function hasRoom(own: number, bytes: number): boolean {
    if (held === 0) return true;
    if (held + bytes > bytes_max) return false;
    return own === 0 || own + bytes <= bytes_max * OWNER_SHARE_MAX;
  }

  function take(owner: string, bytes: number): void {
    const own = owned.get(owner) ?? 0;
    if (!hasRoom(own, bytes)) {
      onRefusal?.();
      throw new OverloadError(
        "The memory for request bodies is used up: retry later, or send smaller requests.",
        "BODY_MEMORY_FULL",
      );
    }
    owned.set(owner, own + bytes);
    held += bytes;
  }

  function giveBack(owner: string, bytes: number): void {
    held -= bytes;
    const rest = (owned.get(owner) ?? 0) - bytes;
    if (rest === 0) owned.delete(owner);
    else owned.set(owner, rest);
  }

  return { take, giveBack, bytes: () => held };
}
