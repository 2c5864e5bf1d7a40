const TEST_CASE = /<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs;
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** `classname`: the names of its `describe`s, which Bun writes innermost first, with " > " between them. */
export type TestCase = Record<"file" | "line" | "classname" | "name", string> & {
  result: "passed" | "failed" | "skipped";
};

/** Of a JUnit report by `bun test`. */
export function readTestCases(report: string): TestCase[] {
  return Array.from(report.matchAll(TEST_CASE), ([, attributes = "", body = ""]) => {
    const read = (name: string) =>
      decode(attributes.match(new RegExp(`(?:^|\\s)${name}="([^"]*)"`))?.[1] ?? "");
    const isFailed = /<(?:failure|error)\b/.test(body);
    return {
      file: read("file"),
      line: read("line"),
      classname: read("classname"),
      name: read("name"),
      result: isFailed ? "failed" : body.includes("<skipped") ? "skipped" : "passed",
    };
  });
}

/** Text of an attribute. */
export function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code: string | undefined, name: string) =>
    code ? String.fromCodePoint(Number(code)) : (ENTITIES[name] ?? whole),
  );
}
