import { type DemoFile, SYSTEM_TOKENS, tokensOf } from "./demo-file.ts";
import { createRandom } from "./random.ts";
import { type DemoSession, type DemoStep, type DemoTurn, folderOf, STEP_MS } from "./session.ts";

const CODEX_VERSION = "0.155.1";
const CONTEXT_WINDOW = 272_000;

export function codexFiles(session: DemoSession): DemoFile[] {
  const [{ at }] = session.turns;
  const day = at.toISOString().slice(0, 19).replaceAll(":", "-");
  const lines = createLines(session);
  const { remote, branch } = session.repository;
  lines.write(at, "session_meta", {
    id: session.id,
    timestamp: at.toISOString(),
    cwd: folderOf(session),
    originator: "codex-tui",
    cli_version: CODEX_VERSION,
    source: "cli",
    model_provider: "openai",
    git: { branch, repository_url: remote },
  });
  for (const [index, turn] of session.turns.entries()) writeTurn(lines, session, turn, `turn-${index + 1}`);
  return [{ file: `rollout-${day}-${session.id}.jsonl`, kind: "main", text: lines.text() }];
}

function writeTurn(lines: Lines, session: DemoSession, turn: DemoTurn, turn_id: string): void {
  let steps = 0;
  const next = () => new Date(turn.at.getTime() + STEP_MS * steps++);
  const begin = next();
  lines.write(begin, "turn_context", {
    turn_id,
    cwd: folderOf(session),
    model: session.model,
    effort: "high",
  });
  lines.item(begin, { type: "message", role: "user", content: [{ type: "input_text", text: turn.prompt }] });
  lines.event(begin, { type: "user_message", message: turn.prompt });
  const isAnswered = session.state === null || session.state === "turn done";
  turn.steps.forEach((step, index) => {
    const at = next();
    const call_id = `call_${session.seed.toString(36)}_${turn_id}_${index}`;
    const { call, output } = callOf(step, call_id);
    lines.item(at, call);
    lines.count(at);
    if (isAnswered || index < turn.steps.length - 1) lines.item(at, output);
  });
  if (!isAnswered) return;
  const end = next();
  lines.item(end, {
    type: "message",
    role: "assistant",
    content: [{ type: "output_text", text: turn.answer }],
  });
  lines.event(end, { type: "agent_message", message: turn.answer });
  lines.count(end);
  lines.event(end, { type: "task_complete", turn_id, last_agent_message: turn.answer });
}

function callOf(step: DemoStep, call_id: string): { call: object; output: object } {
  if (step.tool === "edit") {
    const input = `*** Begin Patch\n*** Update File: ${step.path}\n@@\n${marked("-", step.before)}${marked("+", step.after)}*** End Patch`;
    const output = JSON.stringify({
      output: `Success. Updated the following files:\nM ${step.path}\n`,
      metadata: { exit_code: 0 },
    });
    return {
      call: { type: "custom_tool_call", name: "apply_patch", call_id, input },
      output: { type: "custom_tool_call_output", call_id, output },
    };
  }
  const cmd = step.tool === "run" ? step.command : `cat ${step.path}`;
  const [text, code] = step.tool === "run" ? [step.output, step.exit_code] : [step.text, 0];
  return {
    call: { type: "function_call", name: "exec_command", arguments: JSON.stringify({ cmd }), call_id },
    output: {
      type: "function_call_output",
      call_id,
      output: `Chunk ID: 1\nProcess exited with code ${code}\nOutput:\n${text}`,
    },
  };
}

function marked(mark: string, text: string): string {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `${mark}${line}\n`)
    .join("");
}

type Lines = ReturnType<typeof createLines>;

/** Records of one file, each a line. The context grows by what each record adds. */
function createLines({ seed }: DemoSession) {
  const random = createRandom(seed);
  const lines: string[] = [];
  let context = SYSTEM_TOKENS;
  let cached = 0;
  const total = {
    input_tokens: 0,
    cached_input_tokens: 0,
    output_tokens: 0,
    reasoning_output_tokens: 0,
    total_tokens: 0,
  };

  function write(at: Date, type: string, payload: object): void {
    lines.push(JSON.stringify({ timestamp: at.toISOString(), type, payload }));
  }

  function event(at: Date, payload: object): void {
    write(at, "event_msg", payload);
  }

  return {
    write,
    event,
    item(at: Date, payload: object): void {
      context += tokensOf(JSON.stringify(payload));
      write(at, "response_item", payload);
    },
    /** The tokens of the response that has just been written. */
    count(at: Date): void {
      const reasoning_output_tokens = random.whole(40, 400);
      const output_tokens = reasoning_output_tokens + random.whole(60, 300);
      const last = {
        input_tokens: context,
        cached_input_tokens: cached,
        output_tokens,
        reasoning_output_tokens,
        total_tokens: context + output_tokens,
      };
      total.input_tokens += last.input_tokens;
      total.cached_input_tokens += last.cached_input_tokens;
      total.output_tokens += last.output_tokens;
      total.reasoning_output_tokens += last.reasoning_output_tokens;
      total.total_tokens += last.total_tokens;
      const info = {
        total_token_usage: { ...total },
        last_token_usage: last,
        model_context_window: CONTEXT_WINDOW,
      };
      event(at, { type: "token_count", info });
      cached = context;
      context += output_tokens;
    },
    text: () => `${lines.join("\n")}\n`,
  };
}
