import { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import type { Io } from "../io.ts";
import type { CommandEntry } from "./index.ts";

type Word = { word: string; description: string };
type Completed = { name: string; summary: string; words: Word[] };

const SHELLS: Record<string, (commands: readonly Completed[]) => string> = { bash, zsh, fish };

/** `wharf completion bash|zsh|fish` */
export function completion(command: Command, io: Io, all: readonly CommandEntry[]): void {
  command
    .argument("<shell>", "bash, zsh or fish")
    .addHelpText(
      "after",
      '\nbash: eval "$(wharf completion bash)" in ~/.bashrc\nzsh:  eval "$(wharf completion zsh)" in ~/.zshrc\nfish: wharf completion fish > ~/.config/fish/completions/wharf.fish',
    )
    .action(async function printCompletion(shell: string) {
      const write = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (write === undefined)
        throw new CliError(
          `"${shell}" is no known shell. Use ${Object.keys(SHELLS).join(", ")}.`,
          EXIT.usage,
          "SHELL_UNKNOWN",
        );
      const shown = all.filter(({ isHidden }) => isHidden !== true);
      io.print(write(await Promise.all(shown.map((entry) => describe(entry, io, all)))));
    });
}

/** The subcommands and options of a command. */
async function describe(
  { name, summary, load }: CommandEntry,
  io: Io,
  all: readonly CommandEntry[],
): Promise<Completed> {
  const command = new Command(name);
  (await load())(command, io, all);
  const subcommands = command.commands.map((one) => ({ word: one.name(), description: one.description() }));
  const options = [command, ...command.commands].flatMap((one) => one.options);
  const words = new Map(options.map(({ long, description }) => [long ?? "", description]));
  return {
    name,
    summary,
    words: [...subcommands, ...[...words].map(([word, description]) => ({ word, description }))],
  };
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map(
    ({ name, words }) => `    ${name}) words="${words.map(({ word }) => word).join(" ")}" ;;`,
  );
  return `_wharf() {
  local words="${commands.map(({ name }) => name).join(" ")}"
  if [ "$COMP_CWORD" -gt 1 ]; then case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    *) words="" ;;
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _wharf wharf`;
}

function zsh(commands: readonly Completed[]): string {
  const entry = (word: string, text: string) => `'${word}:${text.replaceAll("'", "")}'`;
  const cases = commands.map(
    ({ name, words }) =>
      `    ${name}) words=(${words.map(({ word, description }) => entry(word, description)).join(" ")}) ;;`,
  );
  return `_wharf() {
  local -a words
  if (( CURRENT == 2 )); then words=(${commands.map(({ name, summary }) => entry(name, summary)).join(" ")})
  else case "\${\${(z)BUFFER}[2]}" in
${cases.join("\n")}
  esac; fi
  _describe 'wharf' words || _files
}
compdef _wharf wharf`;
}

function fish(commands: readonly Completed[]): string {
  const text = (description: string) => `'${description.replaceAll("\\", "").replaceAll("'", "")}'`;
  const lines = commands.flatMap(({ name, summary, words }) => [
    `complete -c wharf -n __fish_use_subcommand -f -a ${name} -d ${text(summary)}`,
    ...words.map(({ word, description }) => {
      const target = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      return `complete -c wharf -n '__fish_seen_subcommand_from ${name}' ${target} -d ${text(description)}`;
    }),
  ]);
  return lines.join("\n");
}
