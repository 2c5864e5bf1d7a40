import type { JSX } from "preact";
import { Diff } from "../../text/diff.tsx";
import { Markdown } from "../../text/markdown.tsx";
import { Output } from "../../text/output.tsx";

const MARKDOWN = `# A heading
Text with **weight**, \`code\`, [a link](https://example.com), [no link](javascript:alert(1)) and <b>markup as text</b>.

- a list
- [x] with a task

| a | table |
|---|---|
| 1 | 2 |

\`\`\`ts
const answer: number = 42; // highlighted
\`\`\`
> A quote with a [redacted:aws-access-token].
`;
const DIFF = "-const a = 1;\n+const a = 2;\n+const b = 3;";
const COLOURS = "\u001b[31mred\u001b[0m, \u001b[1mbold\u001b[0m and \u001b]0;a title\u0007plain";
const TURNED = "a direction mark: \u202Eesrever\u202C";

/** Texts of transcripts; all of it is foreign. */
export function TextBlocks(): JSX.Element {
  return (
    <>
      <h2>Markdown</h2>
      <Markdown text={MARKDOWN} />
      <h2>Diffs</h2>
      <Diff text={DIFF} />
      <Diff text={"+a line\n".repeat(40)} />
      <h2>Output</h2>
      <Output text={COLOURS} />
      <Output text={TURNED} />
      <Output text={"a line\n".repeat(200)} />
      <Output text={"x".repeat(100_000)} />
    </>
  );
}
