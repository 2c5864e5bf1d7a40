/** Lines of Claude Code's transcripts, each with its newline. */

type LineOptions = { minute?: number; uuid?: string };

let uuids = 0;

function line(session_id: string, type: string, { minute = 0, uuid }: LineOptions, rest: object): string {
  uuids += 1;
  const time = new Date(Date.UTC(2026, 8, 10, 9, minute)).toISOString();
  return `${JSON.stringify({ type, uuid: uuid ?? `uuid-${uuids}`, timestamp: time, sessionId: session_id, cwd: "/home/ada/site", version: "2.1.280", gitBranch: "main", ...rest })}\n`;
}

export function promptLine(
  session_id: string,
  text = "Greet the visitor",
  options: LineOptions = {},
): string {
  return line(session_id, "user", options, { message: { role: "user", content: text } });
}

type Call = { id: string; name: string; input: unknown };

/** A record of a response; `id` is the response's. */
export function assistantLine(
  session_id: string,
  options: LineOptions & { id: string; output?: number; call?: Call; text?: string; agentId?: string },
): string {
  const { id, output = 1, call, text = "Done.", agentId } = options;
  const block = call === undefined ? { type: "text", text } : { type: "tool_use", ...call };
  const usage = { input_tokens: 1, output_tokens: output };
  const message = {
    id,
    model: "claude-opus-5",
    role: "assistant",
    stop_reason: "end_turn",
    content: [block],
    usage,
  };
  return line(session_id, "assistant", options, { message, ...(agentId && { agentId, isSidechain: true }) });
}

export function resultLine(
  session_id: string,
  options: LineOptions & {
    id: string;
    content: string;
    is_error?: boolean;
    spilled?: string;
    agentId?: string;
  },
): string {
  const { id, content, is_error = false, spilled, agentId } = options;
  const block = { type: "tool_result", tool_use_id: id, content, is_error };
  const toolUseResult = {
    ...(spilled !== undefined && { persistedOutputPath: spilled, persistedOutputSize: 9 }),
    ...(agentId !== undefined && { agentId }),
  };
  return line(session_id, "user", options, { message: { role: "user", content: [block] }, toolUseResult });
}

export const subagentMeta = JSON.stringify({
  agentType: "Explore",
  description: "Look around",
  toolUseId: "toolu_1",
});
