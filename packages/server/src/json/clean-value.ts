import { storableText } from "@wharf/job-runner";

const REPLACEMENT = "\uFFFD";
/** A copy with U+FFFD in the place of each NUL and each lone surrogate, in keys as well as in values. */
export function withStorableCharacters(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (Array.isArray(value)) return value.map(withStorableCharacters);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [storableText(key), withStorableCharacters(item)]),
  );
}

export type ValueLimits = { json_depth: number; json_values: number; text_characters?: number };

/**
 * Why the value cannot be stored, independent of its schema: nested too deep, too many values, texts that are too long together
 * (`text_characters`), or a number that no double holds.
 */
export function findFlaw(value: unknown, limits: ValueLimits): string | null {
  return findFlawIn(value, limits.json_depth, roomOf(limits));
}

/** Whether nothing but its numbers keeps the value from being written out: JSON.stringify would use up the stack or take long. */
export function isWithin(value: unknown, limits: ValueLimits): boolean {
  return findFlawIn(value, limits.json_depth, { ...roomOf(limits), areNumbersChecked: false }) === null;
}

type Room = { limits: ValueLimits; values: number; characters: number; areNumbersChecked: boolean };

function roomOf(limits: ValueLimits): Room {
  const characters = limits.text_characters ?? Number.POSITIVE_INFINITY;
  return { limits, values: limits.json_values, characters, areNumbersChecked: true };
}

/** Takes what it walks through out of `room`. */
function findFlawIn(value: unknown, depth_max: number, room: Room): string | null {
  if (typeof value === "string") {
    room.characters -= value.length;
    return room.characters < 0 ? `holds more than ${room.limits.text_characters} characters` : null;
  }
  if (typeof value === "number")
    return Number.isFinite(value) || !room.areNumbersChecked ? null : unheldNumber(value);
  if (typeof value !== "object" || value === null) return null;
  if (depth_max === 0) return "is nested too deep";
  const items = Array.isArray(value) ? value : Object.values(value);
  room.values -= items.length;
  if (room.values < 0) return `holds more than ${room.limits.json_values} JSON values`;
  for (const item of items) {
    const flaw = findFlawIn(item, depth_max - 1, room);
    if (flaw !== null) return flaw;
  }
  return null;
}

/** See parseJson for what becomes Infinity and what NaN. */
function unheldNumber(value: number): string {
  return `holds a number too ${Number.isNaN(value) ? "small" : "large"} for a double`;
}

/** A JSON object; a number kept as it was written (see parseJson) is an object to JavaScript alone. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL_CHARACTERS = /[\u0000-\u001f]/;

/** Ids travel to Postgres in lists separated by a control character, and none has any business in an id. */
export function holdsControlCharacters(id: string): boolean {
  return CONTROL_CHARACTERS.test(id);
}

export function withoutControlCharacters(id: string): string {
  return [...id.toWellFormed()].map((character) => (character < " " ? REPLACEMENT : character)).join("");
}
