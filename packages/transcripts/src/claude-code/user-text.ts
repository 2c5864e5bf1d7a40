import type { MessageKind } from "../contract.ts";

/** Editors put what is open or selected around the prompt, or send it in a record of its own. */
const EDITOR_CONTEXT = /^\s*<(ide_[a-z_]{1,40})>[\s\S]*?<\/\1>/;
const COMMAND = /^\s*<command-(?:name|message)>/;
const SHELL_COMMAND = /^\s*<bash-input>([\s\S]*?)(?:<\/bash-input>|$)/;
const INTERRUPTION = /^\s*\[Request interrupted/;
/** What the agent writes in the user's name. A person's text may begin with any other tag. */
const MACHINE_TEXT =
  /^\s*<(?:local-command-[a-z]{1,20}|bash-[a-z]{1,20}|system-reminder|task-notification|teammate-message)\b/;

export type UserText = { kind: MessageKind; text: string };

/** What a text in the user's name is, and the part of it that a person typed. */
export function readUserText(text: string): UserText {
  const typed = withoutEditorContext(text);
  if (typed.trim() === "") return { kind: "context", text };
  if (COMMAND.test(typed)) return { kind: "command", text: commandOf(typed) };
  const shell = SHELL_COMMAND.exec(typed);
  if (shell !== null) return { kind: "shell_command", text: (shell[1] ?? "").trim() };
  if (INTERRUPTION.test(typed)) return { kind: "interruption", text: typed };
  if (MACHINE_TEXT.test(typed)) return { kind: "context", text };
  return { kind: "prompt", text: typed };
}

function withoutEditorContext(text: string): string {
  let rest = text;
  for (let match = EDITOR_CONTEXT.exec(rest); match !== null; match = EDITOR_CONTEXT.exec(rest))
    rest = rest.slice(match[0].length);
  return rest === text ? text : rest.trimStart();
}

function commandOf(text: string): string {
  return `${contentOf(text, "command-name")} ${contentOf(text, "command-args")}`.trim();
}

/** What stands between the first opening tag and the closing one. Linear in the length of any text. */
function contentOf(text: string, tag: string): string {
  const open = text.indexOf(`<${tag}>`);
  const close = open === -1 ? -1 : text.indexOf(`</${tag}>`, open);
  return close === -1 ? "" : text.slice(open + tag.length + 2, close).trim();
}
