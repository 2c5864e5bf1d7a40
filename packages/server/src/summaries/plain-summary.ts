import type { SummaryMaterial } from "../db/summaries/material.ts";

const PROMPTS_SHOWN = 5;
const FILES_SHOWN = 10;
const COMMANDS_SHOWN = 5;
const COMMITS_SHOWN = 10;
const LINE_CHARACTERS_MAX = 200;
/** As `git log --oneline` shows them. */
const SHA_CHARACTERS = 7;

/** What was asked, changed, run and committed, as lists. The same for the same material; null where there is none. */
export function plainSummary(material: SummaryMaterial): string | null {
  const { prompts, files, commands, commits } = material;
  const parts = [
    listed("Prompts", prompts, material.prompt_count, PROMPTS_SHOWN, oneLine),
    listed("Files changed", files, material.file_count, FILES_SHOWN, describeFile),
    listed(
      "Commands",
      commands.slice(-COMMANDS_SHOWN),
      material.command_count,
      COMMANDS_SHOWN,
      describeCommand,
    ),
    listed("Commits", commits, material.commit_count, COMMITS_SHOWN, describeCommit),
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join("\n\n");
}

function listed<Item>(
  name: string,
  items: readonly Item[],
  count: number,
  shown: number,
  describe: (item: Item) => string,
): string | null {
  if (items.length === 0) return null;
  const lines = items.slice(0, shown).map((item) => `- ${describe(item)}`);
  const heading = count > lines.length ? `${name} (${lines.length} of ${count}):` : `${name}:`;
  return [heading, ...lines].join("\n");
}

function describeFile({ path, added, removed }: SummaryMaterial["files"][number]): string {
  return added === null && removed === null ? path : `${path} (+${added ?? 0} -${removed ?? 0})`;
}

function describeCommand({ command, exit_code }: SummaryMaterial["commands"][number]): string {
  return exit_code === null ? oneLine(command) : `${oneLine(command)} (exit code ${exit_code})`;
}

function describeCommit({ sha, message }: SummaryMaterial["commits"][number]): string {
  return `${sha.slice(0, SHA_CHARACTERS)} ${oneLine(message?.split("\n")[0] ?? "")}`.trim();
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= LINE_CHARACTERS_MAX ? line : `${line.slice(0, LINE_CHARACTERS_MAX - 1).trimEnd()}…`;
}
