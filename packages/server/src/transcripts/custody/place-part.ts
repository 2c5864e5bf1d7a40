import { EMPTY_CHAIN_HASH } from "@wharf/transcripts";
import type { HeldFile } from "../../db/transcripts/held-file.ts";
import { NOTHING_HELD } from "./custody.ts";

export type PartToPlace = {
  /** Null: not named. */
  generation: number | null;
  /** In the device's own file. */
  start: number;
  /** Of the bytes before `start`; null: not named. */
  offset_hash: string | null;
  /** A small file of which each version is a generation. */
  isWhole: boolean;
  isEmpty: boolean;
};

export type Settled =
  | { step: "start"; generation: number }
  | { step: "continue"; held: HeldFile }
  | { step: "conflict" };

/** Where a part belongs. `compare`: it may be a repeat of what that generation holds; `otherwise` is for one that is not. */
export type Placement = Settled | { step: "compare"; held: HeldFile; generation: number; otherwise: Settled };

const CONFLICT: Settled = { step: "conflict" };

/** Where a part belongs, by what is held of its file (null: nothing). */
export function placePart(held: HeldFile | null, part: PartToPlace): Placement {
  if (held === null) return placeInNewFile(part);
  const next = held.generation + 1;
  const generation = part.generation ?? held.generation;
  const isVersion = part.isWhole && part.start === 0 && !(part.isEmpty && held.source_bytes === 0);
  if (isVersion && (part.generation ?? next) === next)
    return {
      step: "compare",
      held,
      generation: held.generation,
      otherwise: { step: "start", generation: next },
    };
  if (generation === next && part.start === 0) return { step: "start", generation: next };
  if (generation > held.generation) return CONFLICT;
  if (generation < held.generation || part.start < held.source_bytes)
    return { step: "compare", held, generation, otherwise: CONFLICT };
  return part.start === held.source_bytes && isSamePrefix(held, part) ? { step: "continue", held } : CONFLICT;
}

function placeInNewFile({ generation, start }: PartToPlace): Settled {
  const isFirst = start === 0 && (generation ?? NOTHING_HELD.generation) === NOTHING_HELD.generation;
  return isFirst ? { step: "start", generation: NOTHING_HELD.generation } : CONFLICT;
}

/** A hash that one side does not know is not compared. */
function isSamePrefix(held: HeldFile, { start, offset_hash }: PartToPlace): boolean {
  const known = start === 0 ? EMPTY_CHAIN_HASH : held.source_hash;
  return known === null || offset_hash === null || known === offset_hash;
}
