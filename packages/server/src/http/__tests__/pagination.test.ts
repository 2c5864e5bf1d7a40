import { describe, expect, test } from "bun:test";
import { createCursor, timeAndIdSchema } from "../pagination.ts";

const TIME = "2025-03-14T10:00:00.123456Z";
const create = (filters: Record<string, unknown>) => createCursor("things", filters, timeAndIdSchema);

describe("a cursor", () => {
  test("round-trips microseconds and any text in the id", () => {
    const cursor = create({ a: 1 });
    for (const id of ["x", "ü", "💩", '"\\', "\u2028"])
      expect(cursor.read(cursor.write([TIME, id]))).toEqual([TIME, id]);
  });

  test("is the start of the list when omitted", () => {
    expect(create({}).read(undefined)).toBeNull();
  });

  test("is opaque and valid in a query string", () => {
    expect(create({}).write([TIME, "a?b&c"])).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test("is refused under other filters and in another list", () => {
    const text = create({ a: 1 }).write([TIME, "x"]);
    expect(() => create({ a: 2 }).read(text)).toThrow("Invalid cursor");
    expect(() => create({}).read(text)).toThrow("Invalid cursor");
    expect(() => createCursor("others", { a: 1 }, timeAndIdSchema).read(text)).toThrow("Invalid cursor");
  });

  test("is refused when no row can have its position", () => {
    const cursor = create({});
    const positions: [string, string][] = [
      ["2025-03-14T10:00:00Z", "x"],
      ["2025-13-14T10:00:00.000000Z", "x"],
      ["0000-01-01T00:00:00.000000Z", "x"],
      ["0000-12-31T23:59:59.999999Z", "x"],
      ["infinity", "x"],
      [TIME, "a\0b"],
      [TIME, ""],
    ];
    for (const position of positions)
      expect(() => cursor.read(cursor.write(position))).toThrow("Invalid cursor");
  });
});
