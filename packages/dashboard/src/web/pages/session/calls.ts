import type { ContentBlock } from "@wharf/protocol";
import { changeOfCall, describeCall, type JsonValue } from "@wharf/transcripts/calls";

export type IconName = "terminal" | "file" | "pencil" | "search" | "web" | "agent" | "list" | "plug";

const KINDS: readonly { tools: RegExp; verb: string; icon: IconName }[] = [
  {
    tools:
      /^(bash|shell|shell_command|exec_command|run_shell_command|local_shell|bashoutput|write_stdin|killshell)$/,
    verb: "Run",
    icon: "terminal",
  },
  {
    tools: /^(read|read_file|notebookread|view_image|read_many_files|ls|list_directory)$/,
    verb: "Read",
    icon: "file",
  },
  { tools: /^(write|write_file|create_file)$/, verb: "Write", icon: "pencil" },
  {
    tools: /^(edit|multiedit|notebookedit|replace|str_replace_editor|apply_patch|patch)$/,
    verb: "Edit",
    icon: "pencil",
  },
  { tools: /^(grep|glob|search_file_content|find|codebase_search)$/, verb: "Search", icon: "search" },
  { tools: /^(webfetch|websearch|web_search|web_fetch|google_web_search)$/, verb: "Web", icon: "web" },
  { tools: /^(task|agent|spawn_agent|delegate)$/, verb: "Agent", icon: "agent" },
  {
    tools: /^(todowrite|todoread|update_plan|exitplanmode|taskcreate|taskupdate)$/,
    verb: "Plan",
    icon: "list",
  },
];

/** What a call is, in a word: the tool's own name for tools that are not known. */
export function kindOf(tool: string | null): { verb: string; icon: IconName } {
  const name = (tool ?? "").toLowerCase();
  const found = KINDS.find(({ tools }) => tools.test(name));
  return found ?? { verb: (tool ?? "Call").replace(/^mcp__/, "").replaceAll("__", " "), icon: "plug" };
}

/** The changes of a call by file, as far as its input shows them; empty for a call that changes none. */
export function changesOf({
  tool_name,
  tool_input,
}: Pick<ContentBlock, "tool_name" | "tool_input">): { path: string; diff: string }[] {
  const input = (tool_input ?? null) as JsonValue;
  return describeCall(tool_name, input).writes.flatMap(({ path }) => {
    const diff = changeOfCall(input, path);
    return diff === null || diff === "" ? [] : [{ path, diff }];
  });
}

/** The shell command of a call; null for other calls. */
export function commandOf({
  tool_name,
  tool_input,
}: Pick<ContentBlock, "tool_name" | "tool_input">): string | null {
  return describeCall(tool_name, (tool_input ?? null) as JsonValue).command;
}
