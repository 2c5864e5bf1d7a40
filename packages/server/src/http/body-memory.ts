export type BodyMemory = {
  /**
   * Counts `more` bytes of a body that already holds `held`, until they are released. Owner null: a client without a key.
   * Throws the `refusal` when there is no room for them.
   */
  take(owner: string | null, held: number, more: number): void;
  /** Releases all bytes of one body. */
  giveBack(owner: string | null, held: number): void;
  bytes(): number;
};

export type BodyMemoryOptions = {
  /** For all large bodies together; small bodies have another half of it. */
  bytes_max: number;
  /** Creates the error for a body that has no room. */
  refusal: () => Error;
};

/** A body up to this size never waits for the memory of larger ones. */
export const SMALL_BODY_BYTES_MAX = 64 * 1024;
const SMALL_BODIES_SHARE = 0.5;
/** The share of all clients without a key in the memory for small bodies. */
const KEYLESS_SHARE_MAX = 0.125;

/** The bytes of all request bodies, or of all response bodies, that the process holds. */
export function createBodyMemory({ bytes_max, refusal }: BodyMemoryOptions): BodyMemory {
  const small = createPool(bytes_max * SMALL_BODIES_SHARE);
  const large = createPool(bytes_max);
  const poolOf = (held: number) => (held <= SMALL_BODY_BYTES_MAX ? small : large);

  function take(owner: string | null, held: number, more: number): void {
    const before = poolOf(held);
    const after = poolOf(held + more);
    const there = before === after ? held : 0;
    if (!after.hasRoom(owner, there, held + more - there)) throw refusal();
    before.add(owner, -held);
    after.add(owner, held + more);
  }

  return {
    take,
    giveBack: (owner, held) => poolOf(held).add(owner, -held),
    bytes: () => small.bytes() + large.bytes(),
  };
}

function createPool(bytes_max: number) {
  const owned = new Map<string | null, number>();
  let bytes = 0;

  /**
   * Whether there is room for `more` bytes of a body that holds `held` of this pool. An owner may hold at most as much as remains
   * free: half of the pool as the only owner, a quarter when another holds half. So one more owner always finds room. The only body
   * of an owner may take all free bytes, and the only body of the pool may exceed it.
   */
  function hasRoom(owner: string | null, held: number, more: number): boolean {
    const own = owned.get(owner) ?? 0;
    if (owner === null) return own + more <= bytes_max * KEYLESS_SHARE_MAX && bytes + more <= bytes_max;
    if (bytes === held) return true;
    const free = bytes_max - bytes - more;
    return own === held ? free >= 0 : own + more <= free;
  }

  function add(owner: string | null, more: number): void {
    if (more === 0) return;
    bytes += more;
    const own = (owned.get(owner) ?? 0) + more;
    if (own === 0) owned.delete(owner);
    else owned.set(owner, own);
  }

  return { hasRoom, add, bytes: () => bytes };
}
