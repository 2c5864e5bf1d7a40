import zlib from "node:zlib";
import { createUlid } from "../../../packages/protocol/src/ulid.ts";
import { DEFAULT_LIMITS } from "../../../packages/server/src/limits.ts";

export type HostileBody = { name: string; path: string; headers: Record<string, string>; body: Buffer };
type Sent = { path: string; type: string; content: string | Buffer };

/** As large as a decompressed body may be, but for what is around it. */
const FILLED_BYTES = DEFAULT_LIMITS.decompressed_body_bytes - 1024 * 1024;
const EVENTS = "/api/events";
const JSON_TYPE = "application/json";
const LINES = "application/x-ndjson";

const fill = (unit: string, bytes = FILLED_BYTES) =>
  unit.repeat(Math.floor(bytes / Math.max(1, Buffer.byteLength(unit))));
const listOf = (item: string, bytes = FILLED_BYTES) => `[${fill(`${item},`, bytes)}${item}]`;
const times = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join(",");

/** An event with `data` as it is written; other fields replace or follow those of a good one. */
function event(data: string, fields: Record<string, string> = {}): string {
  const texts = {
    id: `"${createUlid()}"`,
    type: '"test.thing"',
    timestamp: `"${new Date().toISOString()}"`,
    device_id: '"hostile"',
    workspace_id: '"github.com/acme/hostile"',
    ...fields,
    data,
  };
  return `{${Object.entries(texts)
    .map(([name, text]) => `"${name}":${text}`)
    .join(",")}}`;
}

const batch = (...events: string[]): Sent => ({
  path: EVENTS,
  type: JSON_TYPE,
  content: `{"events":[${events.join(",")}]}`,
});
const lines = (content: string | Buffer): Sent => ({ path: EVENTS, type: LINES, content });
const statuses = (content: string): Sent => ({
  path: "/api/sessions/batch-status",
  type: JSON_TYPE,
  content: `{"session_ids":${content}}`,
});
const report = (metadata: string): Sent => ({
  path: "/api/sessions",
  type: JSON_TYPE,
  content: `{"id":"hostile","device_id":"hostile","workspace_id":"github.com/acme/hostile","started_at":"2026-01-01T00:00:00Z","metadata":{"x":${metadata}}}`,
});
const inText = (unit: string) => batch(event(`{"x":"${fill(unit)}"}`));
const inThousand = (unit: string, fields: Record<string, string> = {}) =>
  batch(...Array.from({ length: 1_000 }, () => event(`{"x":"${fill(unit, 31_000)}"}`, fields)));
const push = (commits: string) =>
  event(`{"branch":"a","remote":"b","commit_count":1,"commits":${commits}}`, { type: '"git.push"' });

/** Made when they are sent: all of them at once would be gigabytes. */
const KNOWN: Record<string, () => Sent> = {
  "wrong items of a list": () => batch(push(listOf("1"))),
  "wrong items of a short list": () => batch(push(listOf("1", 90_000))),
  "numbers next to one to be read exactly": () => statuses(`[1e100,${fill("1,")}1]`),
  "numbers to be read exactly": () => batch(event(`{"x":${listOf("1234567890123456")}}`)),
  "60,000 lists to be read exactly": () => batch(event(`{"n":1e100,"x":${listOf("[]", 160_000)}}`)),
  "keys that are array indexes": () => batch(event(`{"x":${listOf('{"999":0}')}}`)),
  "keys that are array indexes, 64 KB": () => batch(event(`{"x":${listOf('{"999":0}', 64_000)}}`)),
  "empty lines next to a byte that is not UTF-8": () =>
    lines(
      Buffer.concat([Buffer.from(`${event("{}")}\n`), Buffer.from([0xff]), Buffer.alloc(FILLED_BYTES, "\n")]),
    ),
  "remotes without an end": () => lines(`{"remote":"${"a".repeat(1_040_000)}\n`.repeat(10)),
  numbers: () => batch(event(`{"x":${listOf("1")}}`)),
  "numbers of 1 MiB": () => batch(event(`{"x":${listOf("1", 1_040_000)}}`)),
  "lists of 1 MiB": () => batch(event(`{"x":${listOf("[[]]", 1_040_000)}}`)),
  "objects of 1 MiB": () => batch(event(`{"x":${listOf('{"a":{}}', 1_040_000)}}`)),
  "three events of 49,000 values": () =>
    batch(...Array.from({ length: 3 }, () => event(`{"x":${listOf("1", 98_000)}}`))),
  "objects for events": () => ({ path: EVENTS, type: JSON_TYPE, content: `{"events":${listOf("{}")}}` }),
  depth: () => ({ path: EVENTS, type: JSON_TYPE, content: fill("[") }),
  "depth of objects": () => ({ path: EVENTS, type: JSON_TYPE, content: fill('{"a":') }),
  "depth next to a number to be read exactly": () =>
    batch(event(`{"n":1e100,"x":${"[".repeat(900_000)}${"]".repeat(900_000)}}`)),
  "members of one name": () => batch(event(`{${fill('"a":1,')}"a":1}`)),
  "names that are numbers": () => batch(event(`{${times(9_000, (at) => `"${at * 7}":1`)}}`)),
  "a long text": () => inText("a"),
  "a text of escapes": () => inText("\\u0061"),
  "a text of NUL": () => inText("\\u0000"),
  "a text of quotes": () => inText('\\"'),
  "a text of backslashes": () => inText("\\\\"),
  "a text of three-byte characters": () => inText("漢"),
  "a text of separators": () => inText(',[{":'),
  "a text that looks like numbers": () => inText(",1.1e"),
  "a text that looks like one number": () => batch(event(`{"x":",${fill("1.")}"}`)),
  "a text of white space behind a comma": () => batch(event(`{"x":",${fill(" ")}"}`)),
  "a text of URLs": () => inText("https://a:b@c/ "),
  "a text that resembles an endless URL": () => inText("a:/b-"),
  "one number": () => batch(event(`{"x":${fill("9")}}`)),
  "white space": () => ({ path: EVENTS, type: JSON_TYPE, content: `${fill(" ")}{}` }),
  "a thousand events": () => inThousand("a"),
  "a thousand rejected events": () => inThousand("a", { id: '"bad"' }),
  "a thousand rejected events full of URLs": () => inThousand("https://a:b@c/ ", { id: '"bad"' }),
  "a thousand events of NUL": () => inThousand("\\u0000"),
  "a thousand events of three-byte characters": () => inThousand("漢"),
  "a large id": () => batch(event("{}", { id: `"${fill("0")}"` })),
  "a large type": () => batch(event("{}", { type: `"${fill("a.")}"` })),
  "a large time": () => batch(event("{}", { timestamp: `"2026-01-01T00:00:00.${fill("0")}Z"` })),
  "large blobs": () =>
    batch(event("{}", { blob_refs: listOf('{"key":"k","content_type":"t","size_bytes":1}') })),
  "empty lines": () => lines(fill("\n")),
  "short lines": () => lines(fill("7\n")),
  "one long line": () => lines(fill("a")),
  "lines of numbers": () => lines(fill(`{"x":${listOf("1", 30_000)}}\n`)),
  "lines with a missing quote": () => lines(`"\n${fill(`${listOf("1", 1_000_000)}\n`)}`),
  "one line that is not UTF-8": () => lines(Buffer.alloc(FILLED_BYTES, 0xff)),
  "lines that are not UTF-8": () => lines(Buffer.alloc(FILLED_BYTES, "\xff\n", "latin1")),
  "a body that is not UTF-8": () => ({
    path: EVENTS,
    type: JSON_TYPE,
    content: Buffer.alloc(FILLED_BYTES, 0xff),
  }),
  "a bomb": () => lines(Buffer.alloc(60_000_000, 0x20)),
  "ids of sessions": () => statuses(listOf('"a"')),
  "10,000 ids of sessions": () => statuses(`[${times(10_000, (at) => `"s${at % 100}"`)}]`),
  "10,000 wrong ids of sessions": () => statuses(listOf("1", 19_000)),
  "metadata of 50,000 values": () => report(listOf("1", 98_000)),
  "metadata that is a long text": () => report(`"${fill("\\u0000")}"`),
};

export const KNOWN_BODIES: readonly (() => HostileBody)[] = Object.entries(KNOWN).flatMap(([name, make]) => [
  () => compressed(`${name}, gzip`, make(), "gzip"),
  () => compressed(`${name}, zstd`, make(), "zstd"),
]);

const UNITS = [
  "1",
  "1e400",
  '"a"',
  "{}",
  "[]",
  "null",
  "9".repeat(20),
  '"\\u0000"',
  '{"a":1}',
  "[[1]]",
  '"漢"',
  "-0.0e-0",
];
const SIZES = [1_000, 60_000, 300_000, 1_040_000, 4_000_000, FILLED_BYTES];

/** A body of one kind of value, or of two, at a random size and place. */
export function fuzzedBody(random: () => number): HostileBody {
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  };
  const unit = random() < 0.5 ? pick(UNITS) : `${pick(UNITS)},${pick(UNITS)}`;
  const size = pick(SIZES);
  const text = `"${fill(pick(["a", "\\u0000", "\\\\", '\\"', ",1", "漢", "https://a:b@", " "]), size)}"`;
  const value = pick([listOf(unit, size), listOf(`{"k":${listOf(unit, 100)}}`, size), text]);
  const place = pick([
    () => batch(event(`{"x":${value}}`)),
    () => batch(push(value)),
    () => batch(event("{}", { blob_refs: value })),
    () =>
      batch(
        event("{}", {
          [pick(["id", "type", "timestamp", "device_id", "workspace_id", "session_id"])]: value,
        }),
      ),
    () => lines(fill(`${value}\n`)),
    () => statuses(value),
    () => report(value),
  ]);
  return compressed(`${unit.slice(0, 20)} × ${size}`, place(), pick(["gzip", "zstd"]));
}

function compressed(name: string, { path, type, content }: Sent, encoding: "gzip" | "zstd"): HostileBody {
  const body = encoding === "gzip" ? zlib.gzipSync(content, { level: 9 }) : zlib.zstdCompressSync(content);
  return { name, path, headers: { "content-type": type, "content-encoding": encoding }, body };
}
