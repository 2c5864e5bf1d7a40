import { type DemoFile, SYSTEM_TOKENS, tokensOf } from "./demo-file.ts";
import { createRandom } from "./random.ts";
import { type DemoSession, type DemoStep, type DemoTurn, folderOf, STEP_MS } from "./session.ts";

export const CLAUDE_CODE_VERSION = "2.1.280";
/** Of the prompt, behind what the cache holds. */
const UNCACHED_TOKENS = 4;

export function claudeCodeFiles(session: DemoSession): DemoFile[] {
  const main = createWriter(session, null);
  for (const turn of session.turns) writeTurn(main, session, turn);
  const files: DemoFile[] = [{ file: `${session.id}.jsonl`, kind: "main", text: main.text() }];
  return session.subagent === null ? files : [...files, ...subagentFiles(session)];
}

function writeTurn(main: Writer, session: DemoSession, turn: DemoTurn): void {
  const times = timesFrom(turn.at);
  main.user(times(), turn.prompt);
  const isAnswered = session.state === null || session.state === "turn done";
  const [first] = session.turns;
  if (session.subagent !== null && turn === first) {
    const { task, answer, agent_id } = session.subagent;
    main.call(turn.at, taskCallId(agent_id), "Task", {
      description: "Look around",
      prompt: task,
      subagent_type: "Explore",
    });
    main.result(turn.at, taskCallId(agent_id), answer, false);
  }
  turn.steps.forEach((step, index) => {
    const id = `toolu_${session.seed.toString(36)}_${turn.at.getTime().toString(36)}_${index}`;
    const { name, input, output } = callOf(step, folderOf(session));
    const at = times();
    main.call(at, id, name, input);
    const isOpen = !isAnswered && index === turn.steps.length - 1;
    if (!isOpen) main.result(at, id, output, step.tool === "run" && step.exit_code !== 0);
  });
  if (isAnswered) main.answer(times(), turn.answer);
}

function callOf(step: DemoStep, folder: string): { name: string; input: object; output: string } {
  if (step.tool === "run") {
    const { command, exit_code } = step;
    const output = exit_code === 0 ? step.output : `Exit code ${exit_code}\n${step.output}`;
    return { name: "Bash", input: { command, description: "Run a command" }, output };
  }
  const file_path = `${folder}/${step.path}`;
  if (step.tool === "read") return { name: "Read", input: { file_path }, output: numbered(step.text) };
  const input = { file_path, old_string: step.before, new_string: step.after };
  return { name: "Edit", input, output: `The file ${file_path} has been updated.` };
}

function numbered(text: string): string {
  return text
    .split("\n")
    .map((line, index) => `${index + 1}\t${line}`)
    .join("\n");
}

function subagentFiles(session: DemoSession): DemoFile[] {
  if (session.subagent === null) return [];
  const { agent_id, task, answer } = session.subagent;
  const [{ at }] = session.turns;
  const times = timesFrom(at);
  const own = createWriter(session, agent_id);
  own.user(times(), task);
  own.call(times(), `toolu_${agent_id}`, "Grep", { pattern: "import", path: folderOf(session) });
  own.result(times(), `toolu_${agent_id}`, "Found 12 files", false);
  own.answer(times(), answer);
  const meta = {
    agentType: "Explore",
    description: "Look around",
    toolUseId: taskCallId(agent_id),
    spawnDepth: 1,
  };
  return [
    { file: `subagents/agent-${agent_id}.meta.json`, kind: "meta", text: JSON.stringify(meta) },
    { file: `subagents/agent-${agent_id}.jsonl`, kind: "subagent", text: own.text() },
  ];
}

const taskCallId = (agent_id: string) => `toolu_task_${agent_id}`;

/** The time of each next record. */
function timesFrom(at: Date): () => Date {
  let steps = 0;
  return () => new Date(at.getTime() + STEP_MS * steps++);
}

type Writer = ReturnType<typeof createWriter>;

/** Records of one file, each a line. The context grows by what each record adds. */
function createWriter(session: DemoSession, agent_id: string | null) {
  const random = createRandom(session.seed + (agent_id === null ? 0 : 1));
  const lines: string[] = [];
  let parentUuid: string | null = null;
  let cached = 0;
  let added = SYSTEM_TOKENS;

  function write(type: "user" | "assistant", at: Date, record: object): void {
    const uuid = random.uuid();
    const place = {
      cwd: folderOf(session),
      sessionId: session.id,
      version: CLAUDE_CODE_VERSION,
      gitBranch: session.repository.branch,
    };
    const side = { isSidechain: agent_id !== null, ...(agent_id !== null && { agentId: agent_id }) };
    lines.push(
      JSON.stringify({
        parentUuid,
        userType: "external",
        ...side,
        ...place,
        type,
        ...record,
        uuid,
        timestamp: at.toISOString(),
      }),
    );
    parentUuid = uuid;
  }

  function respond(at: Date, block: object, stop_reason: string): void {
    const output_tokens = tokensOf(JSON.stringify(block)) + random.whole(10, 200);
    const usage = {
      input_tokens: UNCACHED_TOKENS,
      output_tokens,
      cache_read_input_tokens: cached,
      cache_creation_input_tokens: added,
      cache_creation: { ephemeral_5m_input_tokens: added, ephemeral_1h_input_tokens: 0 },
      service_tier: "standard",
    };
    const id = `msg_${random.hex(20)}`;
    const { model } = session;
    const message = {
      id,
      type: "message",
      role: "assistant",
      model,
      content: [block],
      stop_reason,
      stop_sequence: null,
      usage,
    };
    write("assistant", at, { message, requestId: `req_${random.hex(20)}` });
    cached += added;
    added = output_tokens;
  }

  return {
    user(at: Date, content: string): void {
      added += tokensOf(content);
      write("user", at, { message: { role: "user", content } });
    },
    call: (at: Date, id: string, name: string, input: object): void =>
      respond(at, { type: "tool_use", id, name, input }, "tool_use"),
    result(at: Date, tool_use_id: string, content: string, is_error: boolean): void {
      added += tokensOf(content);
      write("user", at, {
        message: { role: "user", content: [{ type: "tool_result", tool_use_id, content, is_error }] },
      });
    },
    answer: (at: Date, text: string): void => respond(at, { type: "text", text }, "end_turn"),
    text: () => `${lines.join("\n")}\n`,
  };
}
