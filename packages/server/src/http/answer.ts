import type { Context } from "hono";
import { JsonText } from "../db/json-rows.ts";

/** 200 with JSON, in which whatever Postgres wrote as JSON stands as it is. */
export function answerJson(c: Context, value: object): Response {
  return c.body(stringify(value), 200, { "content-type": "application/json" });
}

function stringify(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map(stringify).join(",")}]`;
  if (!isObjectOfParts(value)) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${JSON.stringify(name)}:${stringify(member)}`);
  return `{${members.join(",")}}`;
}

/** JSON.rawJSON makes objects of its own, which only JSON.stringify can write. */
function isObjectOfParts(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
