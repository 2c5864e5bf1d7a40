import type { SessionDetail } from "@wharf/protocol";
import { reasonText, sessionStateText } from "@wharf/protocol/state-words";
import type { Io } from "../io.ts";
import { printLine, wrapped } from "./fit-text.ts";
import { titleOf } from "./session-table.ts";
import { count, duration, money, plain, plainLines, plural, timeOf } from "./text.ts";

/** Name and value per line, then the summary. */
export function printSession(io: Io, session: SessionDetail): void {
  const { transcript, cost_estimate_usd, cost_is_partial } = session;
  const reason = reasonText(session);
  const state = `${sessionStateText(session)}${reason === "" ? "" : ` (${reason})`}`;
  const facts: (readonly [name: string, value: string | null | undefined])[] = [
    ["title", titleOf(session)],
    ["id", session.id],
    ["state", state],
    ["agent", session.agent],
    ["device", session.device_name],
    ["workspace", session.workspace_canonical_id],
    ["directory", transcript?.place.cwd],
    ["branch", session.git_branch],
    ["started", timeOf(io, session.started_at)],
    ["ended", session.ended_at === null ? null : timeOf(io, session.ended_at)],
    ["active", transcript === null ? null : duration(transcript.active_ms)],
    ["model", transcript?.models.map(({ model }) => model ?? "unknown").join(", ") || session.model],
    [
      "tokens",
      `${count(session.tokens_in)} in, ${count(session.tokens_out)} out, ${count(session.cache_read_tokens)} cached`,
    ],
    ["cost", money(cost_estimate_usd, cost_is_partial)],
    [
      "messages",
      `${counted(session.user_messages, "prompt")}, ${counted(session.tool_use_count, "tool call")}`,
    ],
    [
      "files",
      transcript === null ? null : `${transcript.files.read} read, ${transcript.files.written} written`,
    ],
    ["commits", transcript?.commits.map((sha) => sha.slice(0, 10)).join(", ")],
    ["subagents", session.subagents.length === 0 ? null : String(session.subagents.length)],
  ];
  for (const [name, value] of facts) {
    if (value == null || value === "") continue;
    printLine(
      io,
      io.isTerminal ? `${io.colors.dim(name.padEnd(10))} ${plain(value)}` : `${name}\t${plain(value)}`,
    );
  }
  if (session.summary !== null && io.isTerminal) io.print(`\n${wrapped(io, plainLines(session.summary))}`);
}

function counted(amount: number | null, noun: string): string {
  return amount === 1 ? plural(amount, noun) : `${count(amount)} ${noun}s`;
}
