/** A value in a JSON text, by its place. */
export type JsonNode = { start: number; end: number } & (
  | { kind: "object"; children: { key: string; start: number; value: JsonNode }[] }
  | { kind: "array"; children: { start: number; value: JsonNode }[] }
  | { kind: "other" }
);
type Container = Exclude<JsonNode, { kind: "other" }>;

const STRING = /"(?:[^"\\]|\\.)*"/sy;
const SCALAR = /[^\s,\]}]+/y;
const SPACE = /[ \t\r\n]*/y;

/** The values of a text that JSON.parse accepts. */
export function locateValues(text: string): JsonNode {
  let at = text.startsWith("\uFEFF") ? 1 : 0;

  function take(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  }

  function skip(expected: string): boolean {
    take(SPACE);
    if (text[at] !== expected) return false;
    at += 1;
    return true;
  }

  function value(): JsonNode {
    take(SPACE);
    const start = at;
    if (skip("{")) {
      const children = [];
      while (!skip("}")) {
        take(SPACE);
        const from = at;
        const key: string = JSON.parse(take(STRING));
        skip(":");
        children.push({ key, start: from, value: value() });
        skip(",");
      }
      return { kind: "object", start, end: at, children };
    }
    if (skip("[")) {
      const children = [];
      while (!skip("]")) {
        const item = value();
        children.push({ start: item.start, value: item });
        skip(",");
      }
      return { kind: "array", start, end: at, children };
    }
    if (text[at] === '"') take(STRING);
    else take(SCALAR);
    return { kind: "other", start, end: at };
  }

  return value();
}

/** The value at a path of keys and indexes; null when there is none. The last of equal keys counts, as in JSON.parse. */
export function nodeAt(root: JsonNode, path: readonly (string | number)[]): JsonNode | null {
  let node: JsonNode | undefined = root;
  for (const step of path) {
    if (node?.kind === "array" && typeof step === "number") node = node.children[step]?.value;
    else if (node?.kind === "object") node = node.children.findLast(({ key }) => key === step)?.value;
    else return null;
  }
  return node ?? null;
}

/** The text with a value at the end of the object or array at `path`; the other bytes stay. `key` is null in an array. */
export function appendValue(
  text: string,
  path: readonly (string | number)[],
  key: string | null,
  value: unknown,
): string {
  const container = containerAt(text, path);
  const last = container.children.at(-1);
  const { line, inner, unit } = styleOf(text, path.length);
  const label = key === null ? "" : `${JSON.stringify(key)}:${line === "" ? "" : " "}`;
  const json =
    line === "" ? JSON.stringify(value) : JSON.stringify(value, null, unit).replaceAll("\n", inner);
  const at = last?.value.end ?? container.start + 1;
  const isTight = last === undefined && container.end === at + 1;
  const outer = isTight && line !== "" ? inner.slice(0, inner.length - unit.length) : "";
  return `${text.slice(0, at)}${last === undefined ? "" : ","}${inner}${label}${json}${outer}${text.slice(at)}`;
}

/** The text without the n-th child of the object or array at `path`; what was appended leaves no trace. */
export function removeChild(text: string, path: readonly (string | number)[], index: number): string {
  const container = containerAt(text, path);
  const child = container.children[index];
  if (child === undefined) return text;
  const before = container.children[index - 1];
  const after = container.children[index + 1];
  if (before !== undefined) return text.slice(0, before.value.end) + text.slice(child.value.end);
  if (after !== undefined) return text.slice(0, child.start) + text.slice(after.start);
  return text.slice(0, container.start + 1) + text.slice(container.end - 1);
}

function containerAt(text: string, path: readonly (string | number)[]): Container {
  const node = nodeAt(locateValues(text), path);
  if (node === null || node.kind === "other") throw new Error(`no object or array at ${path.join(".")}`);
  return node;
}

/** How a text is written: its line end, indentation, and what stands before a child at this depth. One line stays one line. */
function styleOf(text: string, depth: number): { line: string; inner: string; unit: string } {
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  if (!text.trim().includes("\n") && text.trim() !== "{}") return { line: "", inner: "", unit };
  const line = text.includes("\r\n") ? "\r\n" : "\n";
  return { line, inner: line + unit.repeat(depth + 1), unit };
}
