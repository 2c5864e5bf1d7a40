export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export type JsonObject = { [name: string]: JsonValue | undefined };

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member as a text; null when it is absent or of another type. */
export function text(object: JsonObject, name: string): string | null {
  const value = object[name];
  return typeof value === "string" ? value : null;
}

/** The member as a finite number, also when it is written as a text; null otherwise. */
export function number(object: JsonObject, name: string): number | null {
  const value = object[name];
  const converted = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof converted === "number" && Number.isFinite(converted) ? converted : null;
}

export function flag(object: JsonObject, name: string): boolean {
  return object[name] === true;
}

/** The member as an object; an empty one when it is absent or of another type. */
export function object(parent: JsonObject, name: string): JsonObject {
  const value = parent[name];
  return isObject(value) ? value : {};
}

/** The objects of a list with their places in it; none of a value of another type. */
export function placedObjects(value: JsonValue | undefined): [number, JsonObject][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item, index): [number, JsonObject][] => (isObject(item) ? [[index, item]] : []));
}

/** The objects of a list; none when the member is absent or of another type. */
export function objects(parent: JsonObject, name: string): JsonObject[] {
  const value = parent[name];
  return Array.isArray(value) ? value.filter(isObject) : [];
}
