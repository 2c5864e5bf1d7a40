const WORDS_KNOWN = 4_000;
const WORDS_A_PROMPT = 30;
const WORDS_AN_ANSWER = 80;
const OUTPUT_BYTES_MIN = 1_000;
const OUTPUT_BYTES_MAX = 30_000;
const SYLLABLES = ["ka", "ro", "mi", "ten", "sol", "ver", "dan", "pli", "gos", "ure", "bat", "nim"];
const TOOLS = ["Bash", "Read", "Edit", "Grep"];

/** Whole turns of a Claude Code session until `bytes` are reached: prompt, thinking, calls with their output, answer. The same for a seed. */
export function* turnsOf(session_id: string, bytes: number): Generator<string> {
  const random = createRandom(session_id.length + bytes);
  const text = createText(random);
  let written = 0;
  for (let turn = 0; written < bytes; turn++) {
    const lines = turnLines(session_id, turn, random, text);
    written += lines.length;
    yield lines;
  }
}

type Text = { words: (count: number) => string; output: (bytes: number) => string };

function turnLines(session_id: string, turn: number, random: () => number, text: Text): string {
  const line = lineWriter(session_id, turn);
  const tool = TOOLS[Math.floor(random() * TOOLS.length)] ?? "Bash";
  const file_path = `/home/ada/site/src/${text.words(1)}/${text.words(1)}.ts`;
  const call = {
    type: "tool_use",
    id: `call-${turn}`,
    name: tool,
    input: { file_path, command: `bun test ${file_path}` },
  };
  const bytes = OUTPUT_BYTES_MIN + Math.floor(random() * (OUTPUT_BYTES_MAX - OUTPUT_BYTES_MIN));
  const result = { type: "tool_result", tool_use_id: call.id, content: text.output(bytes) };
  return [
    line("user", 1, { role: "user", content: text.words(WORDS_A_PROMPT) }),
    line(
      "assistant",
      2,
      answer(turn, 1, { type: "thinking", thinking: text.words(WORDS_AN_ANSWER), signature: "c2ln" }),
    ),
    line("assistant", 3, answer(turn, 1, call)),
    line("user", 4, { role: "user", content: [result] }),
    line("assistant", 5, answer(turn, 2, { type: "text", text: text.words(WORDS_AN_ANSWER) })),
  ].join("");
}

function lineWriter(session_id: string, turn: number) {
  return (type: string, step: number, message: object): string =>
    `${JSON.stringify({
      ...{ type, uuid: `${session_id}-${turn}-${step}`, parentUuid: `${session_id}-${turn}-${step - 1}` },
      ...{ timestamp: new Date(Date.UTC(2026, 0, 1) + turn * 60_000 + step * 1_000).toISOString() },
      ...{ sessionId: session_id, cwd: "/home/ada/site", gitBranch: "main", version: "2.1.280", message },
    })}\n`;
}

function answer(turn: number, response: number, block: object): object {
  const usage = {
    input_tokens: 12,
    output_tokens: 240,
    cache_read_input_tokens: 40_000,
    cache_creation_input_tokens: 900,
  };
  const id = `msg-${turn}-${response}`;
  return { id, role: "assistant", model: "claude-opus-5", stop_reason: "end_turn", content: [block], usage };
}

function createText(random: () => number): Text {
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const known = Array.from({ length: WORDS_KNOWN }, () =>
    Array.from({ length: 2 + Math.floor(random() * 3) }, () => pick(SYLLABLES)).join(""),
  );
  const words = (count: number) => Array.from({ length: count }, () => pick(known)).join(" ");
  const output = (bytes: number) => {
    let written = "";
    while (written.length < bytes)
      written += `${pick(known)}/${pick(known)}.ts:${Math.floor(random() * 900)}: ${pick(known)}_${pick(known)}(${words(6)})\n`;
    return written;
  };
  return { words, output };
}

/** Linear congruence: enough for text, and the same on every machine. */
function createRandom(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
