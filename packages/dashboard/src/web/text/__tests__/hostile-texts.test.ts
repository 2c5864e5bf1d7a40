import { expect, test } from "bun:test";
import { type ComponentChildren, isValidElement } from "preact";
import { code } from "../code.tsx";
import { inline, plain } from "../inline.tsx";
import { tokensOf } from "../markdown.tsx";

/** What a browser gets: texts and elements. */
function nodesOf(children: ComponentChildren): ComponentChildren[] {
  return Array.isArray(children) ? children.flatMap(nodesOf) : [children];
}

function textOf(children: ComponentChildren): string {
  return nodesOf(children)
    .map((node) => (isValidElement(node) ? textOf(node.props.children) : node))
    .join("");
}

test("many hidden characters make few elements, and none of them stays hidden", () => {
  const hidden = "a\u200b".repeat(50_000);
  const nodes = nodesOf(inline(`${hidden}[REDACTED:aws-key:0123abcd]`));
  expect(nodes.length).toBeLessThan(3_000);
  expect(nodes.filter((node) => typeof node === "string").join("")).not.toContain("\u200b");
  expect(nodes.at(-1)).toEndWith("a\ufffd[redacted: aws-key]");
});

test("a text without elements hides nothing, and keeps ends of lines and joiners that scripts need", () => {
  expect(plain("user\u202egpj.exe\r\n👩\u200d💻 [REDACTED:aws-key:0123abcd]")).toBe(
    "user[U+202E]gpj.exe\r\n👩\u200d💻 [redacted: aws-key]",
  );
});

test("tags, fillers, and several joiners in a row are shown", () => {
  expect(plain("hi\u{e0041}\u3164")).toBe("hi[U+E0041][U+3164]");
  expect(plain("あ\u200d\u200c\u200dい")).toBe("あ[U+200D][U+200C][U+200D]い");
});

test("code in pieces is whole", () => {
  const lines = Array.from({ length: 300 }, (_, n) => `const n${n} = "text"; // remark`).join("\n");
  expect(textOf(code(lines, "ts"))).toBe(lines);
  const long = "x".repeat(5_000);
  expect(textOf(code(long, "ts"))).toBe(long);
  expect(nodesOf(code(lines, "ts")).some(isValidElement)).toBe(true);
});

test("a text that would make the lexer slow, or a page long, is shown as it is", () => {
  for (const text of [
    "> ".repeat(5_000),
    "1. ".repeat(5_000),
    "- 1) ".repeat(5_000),
    `${"|a".repeat(1_000)}|\n${"|-".repeat(1_000)}|\n${"|a\n".repeat(8_000)}`,
    `- ${"|a".repeat(400)}|\n  ${"|-".repeat(400)}|\n${"  |a\n".repeat(4_000)}`,
  ])
    expect(tokensOf(text)).toBeNull();
});

test("rules, underlines and usual tables are Markdown", () => {
  const table = `| a | b |\n|---|:-:|\n${"| 1 | 2 |\n".repeat(500)}`;
  for (const [text, type] of [
    [`Title\n${"-".repeat(40)}`, "heading"],
    ["*".repeat(40), "hr"],
    [table, "table"],
  ] as const)
    expect(tokensOf(text)?.[0]?.type).toBe(type);
});
