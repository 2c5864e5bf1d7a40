import type { ChangePosition } from "../db/reads/changes.ts";

const POSITION = /^(\d{1,20})-(\d{1,19})$/;
const XID_MAX = 2n ** 64n - 1n;
const POSITION_MAX = 2n ** 63n - 1n;

/** The id of a live event: `xid-position`. */
export function positionText({ xid, position }: ChangePosition): string {
  return `${xid}-${position}`;
}

/** Null for text that cannot be the id of a live event. */
export function readPosition(text: string): ChangePosition | null {
  const [, xid, position] = POSITION.exec(text) ?? [];
  if (xid === undefined || position === undefined) return null;
  return BigInt(xid) <= XID_MAX && BigInt(position) <= POSITION_MAX ? { xid, position } : null;
}

export function isBehind(one: ChangePosition, other: ChangePosition): boolean {
  return one.xid === other.xid
    ? BigInt(one.position) < BigInt(other.position)
    : BigInt(one.xid) < BigInt(other.xid);
}
