import { called, image, type Recorder, said } from "./claude-records.ts";

/** A transcript of Claude Code in which every text tries to run a script, load something or hide what it is. */

export const SESSION_ID = "7d0c2f6e-52a4-4d0e-9b51-6f1f3a0c9e11";
const SCRIPT = "window.canary = (window.canary ?? 0) + 1";

export const HOSTILE_TEXT = [
  `<script>${SCRIPT}</script>`,
  `<img src="https://tracker.invalid/pixel.png" onerror="${SCRIPT}">`,
  `<svg onload="${SCRIPT}"><a href="javascript:${SCRIPT}">svg</a></svg>`,
  `[run](javascript:${encodeURIComponent(SCRIPT)}) [data](data:text/html,<script>${SCRIPT}</script>) [vb](vbscript:x)`,
  "[JaVa](JaVaScRiPt:alert(1)) [tab](java\tscript:alert(1)) <javascript:alert(1)> [relative](/api/sign-out)",
  "[web](https://example.com/page) [mail](mailto:ada@example.com)",
  `![remote](https://tracker.invalid/a.png) ![inline](data:image/svg+xml,<svg onload="${SCRIPT}"/>)`,
  "user\u202egpj.exe and zero\u200bwidth",
  "Secret: [REDACTED:assigned-secret:d962e3a9]",
  `\`\`\`html\n<script>${SCRIPT}</script>\n\`\`\``,
  `| a | b |\n|---|---|\n| <b onmouseover="${SCRIPT}">x</b> | y |`,
  `<iframe srcdoc="<script>parent.canary = 1</script>"></iframe><form action="/api/sign-out"><button>go</button></form>`,
].join("\n\n");

const OUTPUT = [
  "\u001b[31;1mred\u001b[0m plain \u001b[38;5;2mgreen\u001b[0m",
  "\u001b]8;;javascript:alert(1)\u0007a link\u001b]8;;\u0007 \u001b]0;a title\u0007",
  `<script>${SCRIPT}</script>`,
  "\u001b[2J\u001b[H cleared",
].join("\n");

const LINE_CHARACTERS = 1_000_000;

export function hostileFile({ prompt, answer, result }: Recorder): string {
  const lines = (sign: string) => Array.from({ length: 40 }, (_, n) => `${sign} line ${n}`).join("\n");
  const edit = { file_path: "/home/ada/<b>page</b>.ts", old_string: "old\n", new_string: lines("new") };
  return [
    prompt(`Look at this\n${HOSTILE_TEXT}`),
    answer("msg_1", { type: "thinking", thinking: `Thoughts <script>${SCRIPT}</script>`, signature: "x" }),
    answer("msg_1", said(HOSTILE_TEXT)),
    answer("msg_1", called("call_1", "Bash", { command: `echo '<script>${SCRIPT}</script>'` })),
    answer("msg_1", called("call_2", "Read", { file_path: `/home/ada/${"deep/".repeat(30)}long.txt` })),
    result("call_1", OUTPUT),
    result("call_2", `${"a".repeat(LINE_CHARACTERS)}\nthe end`),
    answer("msg_2", called("call_3", "Edit", edit)),
    result("call_3", "The file has been updated."),
    prompt([said("And this image"), image("image/png", "iVBORw0KGgo=")]),
    answer("msg_3", said("I see **an image**.")),
    prompt("Once more, after a pause", { minutes: 20 }),
    answer("msg_4", said("The last answer.")),
  ].join("");
}
