import type { Operation } from "../../http/operation.ts";

export type ExampleRequest = { method: string; url: string; body: unknown };

/** What a route's example sends. `path` are other values for its path, not yet encoded. */
export function exampleRequest(
  name: string,
  { example }: Operation,
  path: Readonly<Record<string, string>> = example.path ?? {},
): ExampleRequest {
  const [method = "", pattern = ""] = name.split(" ");
  const filled = pattern.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, (_, key) => encodeURIComponent(path[key] ?? ""));
  const url = example.query === undefined ? filled : `${filled}?${new URLSearchParams(example.query)}`;
  return { method, url, body: example.body };
}
