import { HIDDEN_CHARACTERS } from "@wharf/protocol/hidden-characters";
import { createColors } from "picocolors";
import { EXIT, type ExitCode } from "./cli-error.ts";
import { type Environment, type Paths, pathsOf, readEnvironment } from "./environment.ts";

export type Colors = ReturnType<typeof createColors>;

/** What a command reads and writes. */
export type Io = {
  environment: Environment;
  paths: Paths;
  /** Standard output is a terminal: tables and colours. Otherwise plain lines. */
  isTerminal: boolean;
  /** Both ends are terminals: questions can be asked. */
  isInteractive: boolean;
  columns: number;
  /** Of a command that ends without an error. */
  outcome: { exitCode: ExitCode };
  colors: Colors;
  /** One line, or several, to standard output. */
  print(text: string): void;
  /** To standard error. */
  warn(text: string): void;
  /** One JSON value to standard output. */
  json(value: unknown): void;
};

const COLUMNS = 100;

export function createIo(environment: Environment = readEnvironment()): Io {
  const { stdout, stderr, stdin } = process;
  const isTerminal = stdout.isTTY === true && environment["TERM"] !== "dumb";
  const hasColors = isTerminal && !environment["NO_COLOR"];
  return {
    environment,
    paths: pathsOf(environment),
    isTerminal,
    isInteractive: isTerminal && stdin.isTTY === true,
    outcome: { exitCode: EXIT.ok },
    columns: stdout.columns ?? COLUMNS,
    colors: createColors(hasColors),
    print: (text) => void stdout.write(`${harmless(text, hasColors)}\n`),
    warn: (text) => void stderr.write(`${harmless(text, hasColors)}\n`),
    json: (value) => void stdout.write(`${jsonOf(value, isTerminal ? 2 : 0)}\n`),
  };
}

/** Colours of `io.colors`, and characters that a terminal obeys or that hide something. */
const NOT_PLAIN = new RegExp(`(\\u001b\\[(?:[12]|22|3[1-39])m)|[${HIDDEN_CHARACTERS}]`, "gu");

/** What a hub or a file holds may be anything: only our colours pass, where there are any. Others could hide text. */
function harmless(text: string, hasColors: boolean): string {
  return text.replace(NOT_PLAIN, (_, colour?: string) => (hasColors && colour) || "\ufffd");
}

/** The same value without such characters. */
function jsonOf(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent).replace(
    NOT_PLAIN,
    // Each unit of UTF-16 by itself, as JSON has them.
    (character) => character.split("").map(escaped).join(""),
  );
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
