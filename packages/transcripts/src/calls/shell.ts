/** Separates commands: `;`, `&&`, `||`, `|`, `&`, a newline. */
const SEPARATOR = /^(?:&&|\|\||[;|&\n])/;
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
/** Words before a command that run it. */
const RUNNERS: ReadonlySet<string> = new Set(["sudo", "env", "time", "nohup", "nice", "exec", "command"]);

/**
 * The simple commands of a shell line, each as its words, without assignments and runners such as `sudo` before it. Quotes are taken off; the
 * text of a here-document and of comments is read as commands, too. Good enough to list the programs of a line, and linear in it.
 */
export function commandsOf(line: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | null = null;
  const endWord = () => {
    if (word !== null) words.push(word);
    word = null;
  };
  const endCommand = () => {
    endWord();
    const command = withoutPrefix(words);
    if (command.length > 0) commands.push(command);
    words = [];
  };
  for (let index = 0; index < line.length; index++) {
    const character = line[index] ?? "";
    if (character === "'" || character === '"') {
      const end = endOfQuote(line, index);
      word = (word ?? "") + line.slice(index + 1, end);
      index = end;
    } else if (character === "\\") {
      index += 1;
      if (line[index] !== "\n") word = (word ?? "") + (line[index] ?? "");
    } else if (SEPARATOR.test(character)) endCommand();
    else if (character === " " || character === "\t") endWord();
    else if (character === "(" || character === ")" || character === "`") endCommand();
    else word = (word ?? "") + character;
  }
  endCommand();
  return commands;
}

/** The closing quote; the end of the line where there is none. Within double quotes, a backslash hides one. */
function endOfQuote(line: string, start: number): number {
  const quote = line[start];
  for (let index = start + 1; index < line.length; index++) {
    if (line[index] === quote) return index;
    if (quote === '"' && line[index] === "\\") index += 1;
  }
  return line.length;
}

function withoutPrefix(words: string[]): string[] {
  const first = words.findIndex((word) => !ASSIGNMENT.test(word) && !RUNNERS.has(word));
  return first === -1 ? [] : words.slice(first);
}
