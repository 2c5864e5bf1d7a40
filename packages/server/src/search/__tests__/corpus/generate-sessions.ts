import type { Block, Message, MessageKind } from "@wharf/transcripts";
import { seededRandom } from "../../../__tests__/seeded-random.ts";
import { chooseTopics, filePath, programOutput, sentence, type Topics, toolName } from "./chatter.ts";
import { INCIDENTS, type Incident } from "./incidents.ts";

export type CorpusSession = {
  id: string;
  /** The incident that it is the answer to, by its index; null for all but a hundred sessions. */
  incident: number | null;
  number: number;
  title: string;
  startedAt: Date;
  messages: Message[];
};

export type CorpusSize = {
  /** A hundred or more. */
  sessions: number;
  /** Of each session: each message has one block, which is one document; the title is one more. */
  messages: number;
};

const LAST_DAY = Date.parse("2026-06-01T00:00:00Z");
const DAYS = 180;
const DAY_MS = 86_400_000;
const MESSAGE_MS = 20_000;

/**
 * Sessions, oldest first. A hundred of them, spread over the whole time, are about one incident each; the others mix words of two
 * incidents, in part, with filler. The same for the same size.
 */
export function* generateSessions({ sessions, messages }: CorpusSize): Generator<CorpusSession> {
  const random = seededRandom(17);
  const every = Math.floor(sessions / INCIDENTS.length);
  for (let number = 0; number < sessions; number += 1) {
    const position = number / every;
    const isTarget = number % every === Math.floor(every / 2) && position < INCIDENTS.length;
    yield generateSession(random, {
      number,
      incident: isTarget ? Math.floor(position) : null,
      messages,
      startedAt: new Date(LAST_DAY - (1 - number / sessions) * DAYS * DAY_MS),
    });
  }
}

type Plan = Pick<CorpusSession, "number" | "incident" | "startedAt"> & { messages: number };

function generateSession(
  random: () => number,
  { number, incident, messages, startedAt }: Plan,
): CorpusSession {
  const topics = chooseTopics(random);
  const known = incident === null ? undefined : INCIDENTS[incident];
  const story = known === undefined ? [] : storyOf(known);
  const chatter = Array.from({ length: Math.max(0, messages - story.length) }, () => chat(random, topics));
  // The story begins the session and ends it: what lies between is work.
  const blocks = [...story.slice(0, 1), ...chatter, ...story.slice(1)];
  const id = `session-${String(number).padStart(6, "0")}`;
  return {
    id,
    incident,
    number,
    title: known?.title ?? sentence(random, topics, 6),
    startedAt,
    messages: blocks.map(({ kind, block }, index) => ({
      key: `${id}-${index}`,
      parent_key: null,
      kind,
      at: new Date(startedAt.getTime() + index * MESSAGE_MS).toISOString(),
      model: kind === "assistant" ? "claude-sonnet-4-5" : null,
      response_key: null,
      blocks: [block],
      is_copy: false,
      is_sidechain: false,
    })),
  };
}

type Said = { kind: MessageKind; block: Block };

function storyOf({ prompt, file, command, output, answer }: Incident): Said[] {
  return [
    { kind: "prompt", block: text(prompt) },
    call("Edit", { file_path: file }),
    call("Bash", { command }),
    result(output),
    { kind: "assistant", block: text(answer) },
  ];
}

/** Shares as in transcripts of agents: mostly calls and what they return. */
function chat(random: () => number, topics: Topics): Said {
  const words = 10 + Math.floor(random() ** 2 * 120);
  const share = random();
  if (share < 0.04) return { kind: "prompt", block: text(sentence(random, topics, 8 + words / 8)) };
  if (share < 0.2) return { kind: "assistant", block: text(sentence(random, topics, words / 2)) };
  if (share < 0.3)
    return { kind: "assistant", block: { ...text(sentence(random, topics, words)), type: "thinking" } };
  if (share < 0.65) return chatCall(random, topics);
  return result(programOutput(random, topics, words));
}

function chatCall(random: () => number, topics: Topics): Said {
  const tool = toolName(random);
  const file_path = filePath(random);
  if (tool === "Bash")
    return call(tool, { command: `bun test ${file_path} --grep "${sentence(random, topics, 3)}"` });
  if (tool === "Grep") return call(tool, { pattern: sentence(random, topics, 2), path: "src" });
  if (tool === "Read") return call(tool, { file_path });
  return call(tool, { file_path, new_string: programOutput(random, topics, 30) });
}

const EMPTY: Block = {
  type: "text",
  text: null,
  tool: null,
  call_id: null,
  input: null,
  is_error: null,
  exit_code: null,
  spilled: null,
};

function text(value: string): Block {
  return { ...EMPTY, text: value };
}

function call(tool: string, input: Record<string, string>): Said {
  return { kind: "assistant", block: { ...EMPTY, type: "tool_use", tool, input } };
}

function result(value: string): Said {
  return { kind: "tool_result", block: { ...EMPTY, type: "tool_result", text: value, is_error: false } };
}
