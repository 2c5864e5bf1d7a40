export type BodyMemory = {
  /**
   * Counts `more` bytes of a body that holds `held` already, until they are given back. An owner of null: a sender without a key.
   * Throws the `refusal` when there is no room for them.
   */
  take(owner: string | null, held: number, more: number): void;
  /** All that one body has taken. */
  giveBack(owner: string | null, held: number): void;
  bytes(): number;
};

export type BodyMemoryOptions = {
  /** Of all large bodies together; small ones have half as much of their own. */
  bytes_max: number;
  /** Made for each body that finds no room. */
  refusal: () => Error;
};

/** A body up to this size never waits for the memory of larger ones. */
export const SMALL_BODY_BYTES_MAX = 64 * 1024;
const SMALL_BODIES_SHARE = 0.5;
/** Of the memory for small bodies: senders without a key have no more together. */
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
   * Room for `more` bytes of a body that holds `held` of this pool. An owner may have as much as it leaves free: half when it is
   * alone, a quarter when another has half. However many keys send all they can, one more finds room. An owner's only body may
   * take what is free, and the only body of all may be larger than the pool.
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
