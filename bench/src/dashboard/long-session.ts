/** A session of Claude Code with many messages: prompts, each with calls, their results and an answer. */
const RECORDS_PER_TURN = 50;
const START = Date.parse("2026-03-14T08:00:00Z");
const RECORD_MS = 5_000;
const WORDS =
  "the parser reads a line of the file and keeps its place so that a later run begins where it ended without a gap or a copy".split(
    " ",
  );

/** Lines of its file; about 700 bytes each. */
export function* longSession(session_id: string, messages: number): Generator<string> {
  for (let nth = 0; nth < messages; nth++) {
    const inTurn = nth % RECORDS_PER_TURN;
    const turn = Math.floor(nth / RECORDS_PER_TURN);
    const isUser = inTurn % 2 === 0;
    const record = {
      parentUuid: nth === 0 ? null : idOf(nth - 1),
      isSidechain: false,
      cwd: "/home/ada/site",
      sessionId: session_id,
      version: "2.1.280",
      type: isUser ? "user" : "assistant",
      message: isUser ? userMessage(nth, inTurn, turn) : agentMessage(nth, inTurn, turn),
      uuid: idOf(nth),
      timestamp: new Date(START + nth * RECORD_MS).toISOString(),
    };
    yield `${JSON.stringify(record)}\n`;
  }
}

function userMessage(nth: number, inTurn: number, turn: number): object {
  if (inTurn === 0) return { role: "user", content: `Task ${turn}: ${text(nth, 30)}` };
  const content = [{ type: "tool_result", tool_use_id: `call_${nth - 1}`, content: text(nth, 60) }];
  return { role: "user", content };
}

function agentMessage(nth: number, inTurn: number, turn: number): object {
  const isAnswer = inTurn === RECORDS_PER_TURN - 1;
  const edit = {
    file_path: `/home/ada/site/src/file-${nth % 90}.ts`,
    old_string: text(nth, 8),
    new_string: text(nth + 1, 12),
  };
  const call =
    nth % 3 === 0
      ? { type: "tool_use", id: `call_${nth}`, name: "Edit", input: edit }
      : {
          type: "tool_use",
          id: `call_${nth}`,
          name: "Bash",
          input: { command: `grep -rn ${WORDS[nth % WORDS.length]} src` },
        };
  return {
    id: `msg_${nth}`,
    type: "message",
    role: "assistant",
    model: "claude-opus-5",
    content: [
      isAnswer
        ? {
            type: "text",
            text: `Turn ${turn} is **done**. ${text(nth, 40)}\n\n- ${text(nth, 6)}\n- \`needle-${turn}\``,
          }
        : call,
    ],
    usage: {
      input_tokens: 4,
      output_tokens: 120,
      cache_read_input_tokens: 20_000,
      cache_creation_input_tokens: 200,
    },
  };
}

function text(seed: number, words: number): string {
  return Array.from({ length: words }, (_, n) => WORDS[(seed * 7 + n * 5) % WORDS.length]).join(" ");
}

function idOf(nth: number): string {
  return `00000000-0000-4000-8000-${String(nth).padStart(12, "0")}`;
}
