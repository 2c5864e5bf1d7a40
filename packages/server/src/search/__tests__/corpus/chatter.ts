import { INCIDENTS } from "./incidents.ts";

/** What every session is full of, the most frequent first. */
const COMMON_WORDS =
  `the to a is in and it of for test file this that error with we function on run not now be fix when code add
  as check are by new can value use from type line let build at call update change name path import return null string look
  remove data user all output first true found list request server default read set missing should config read undefined write
  other const also response after before which id version number has case branch message key class module time still each
  object where result command commit handler field second event query table order page log script failing passing expected
  received index package install release service client token session cache queue job worker retry timeout deploy container
  memory database migration column schema docs comment review refactor rename lint warning debug trace thread lock process
  port host proxy header cookie upload download image chart form button dialog search filter sort cursor limit batch stream
  parse render mount state hook store action effect theme layout style font date zone currency price invoice email template`
    .split(/\s+/)
    .filter((word) => word !== "");

const TOOL_NAMES = ["Bash", "Read", "Edit", "Grep", "Write"] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

type Random = () => number;

const WORDS_OF_INCIDENTS = INCIDENTS.map(({ title, prompt, answer, output }) =>
  [title, prompt, answer, output].join(" ").split(/\s+/),
);
/** Of an incident's words, those that another session on something similar has, too. */
const SHARED_WORDS = 0.4;
/** Of the words of a text; the others are filler, of which few words are most. */
const WORDS_ON_TOPIC = 0.4;

/** What a session speaks of, as the words that it has of it. */
export type Topics = readonly string[];

/** A part of the words of two incidents. */
export function chooseTopics(random: Random): Topics {
  const incidents = [pick(random, WORDS_OF_INCIDENTS) ?? [], pick(random, WORDS_OF_INCIDENTS) ?? []];
  return incidents.flat().filter(() => random() < SHARED_WORDS);
}

export function sentence(random: Random, topics: Topics, words: number): string {
  return Array.from(
    { length: words },
    () => (random() < WORDS_ON_TOPIC ? pick(random, topics) : undefined) ?? commonWord(random),
  ).join(" ");
}

/** Lines as a program writes them: words, identifiers, paths and numbers. */
export function programOutput(random: Random, topics: Topics, words: number): string {
  const parts: string[] = [];
  for (let written = 0; written < words; written += 6)
    parts.push(
      `${filePath(random)}:${number(random, 900)}: ${identifier(random)} ${sentence(random, topics, 3)} ${number(random, 1e6)}`,
    );
  return parts.join("\n");
}

export function filePath(random: Random): string {
  return `src/${commonWord(random)}/${commonWord(random)}/${identifier(random)}.ts`;
}

export function identifier(random: Random): string {
  const [first, second, third] = [commonWord(random), commonWord(random), commonWord(random)];
  return random() < 0.3 ? `${first}_${second}` : `${first}${capital(second)}${capital(third)}`;
}

export function toolName(random: Random): ToolName {
  return pick(random, TOOL_NAMES) ?? "Bash";
}

function commonWord(random: Random): string {
  // The square of it: the first words come most often, as in any text.
  return COMMON_WORDS[Math.floor(random() ** 2 * COMMON_WORDS.length)] ?? "the";
}

function number(random: Random, below: number): number {
  return Math.floor(random() * below);
}

function pick<T>(random: Random, items: readonly T[]): T | undefined {
  return items[Math.floor(random() * items.length)];
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
