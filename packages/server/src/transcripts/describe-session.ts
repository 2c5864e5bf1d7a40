import type { OwnUsage, SessionTranscript } from "@wharf/protocol";
import { TITLE_RANKS } from "@wharf/transcripts";
import type { CallFacts, FileFacts } from "../db/transcripts/facts/read-calls.ts";
import type { LastMessage, MessageFacts } from "../db/transcripts/facts/read-messages.ts";
import type { ResponseFacts } from "../db/transcripts/facts/read-responses.ts";
import type { Stated } from "../db/transcripts/facts/read-stated.ts";

export type SessionFacts = {
  stated: Stated;
  messages: MessageFacts;
  last_message: LastMessage | null;
  prompt: string | null;
  last_prompt: string | null;
  calls: CallFacts;
  files: FileFacts;
  responses: ResponseFacts;
};

/** The columns of a session that its transcripts alone determine, and sessions.transcript. */
export type DescribedSession = {
  title: string | null;
  agent: string | null;
  reported_cost_usd: number | null;
  transcript: SessionTranscript & { own: OwnUsage };
};

/** With the mark of a cut. */
export const TITLE_CHARACTERS_MAX = 301;

/** Everything that the rows of a session's transcripts amount to. */
export function describeSession(facts: SessionFacts): DescribedSession {
  const { stated, messages, calls, files, responses } = facts;
  const title = titleOf(facts);
  const { responses: response_count, cost_usd: cost_estimate_usd, ...tokens } = responses.own;
  return {
    title: title.text,
    agent: stated.agent,
    reported_cost_usd: stated.reported_cost_usd,
    transcript: {
      title: title.text,
      title_source: title.source,
      agent: stated.agent,
      ...messages,
      last_message: facts.last_message,
      last_prompt: oneLine(facts.last_prompt ?? "") || null,
      open_calls: calls.open_calls,
      place: { cwd: stated.last_cwd, branch: stated.last_branch, version: stated.version },
      own: { ...tokens, cost_estimate_usd, response_count, tool_use_count: calls.own_calls },
      models: responses.models,
      unpriced_models: responses.unpriced,
      context: {
        max: responses.context_max,
        last: responses.context_last,
        sizes: responses.context,
      },
      tools: calls.tools,
      tool_errors: calls.tool_errors,
      api_errors: stated.api_errors,
      commands_run: { count: calls.commands, failed: calls.failed_commands, last: calls.last_commands },
      tests: { runs: calls.test_runs, last: calls.last_tests },
      files,
      commits: calls.commits,
      pull_requests: stated.pull_requests,
      compactions: { count: stated.compaction_count, list: stated.compactions },
      skills: calls.skills,
      worktrees: calls.worktrees,
      teammates: calls.teammates,
      reported_models: stated.reported_models,
      lines: stated.lines,
      unknown_types: stated.unknown_types,
    },
  };
}

type Title = { text: string | null; source: string | null };

/** custom > last generated > summary > first prompt */
function titleOf({ stated, prompt }: SessionFacts): Title {
  for (const rank of TITLE_RANKS) {
    const text = oneLine(stated.titles.find((title) => title.rank === rank)?.text ?? "");
    if (text !== "") return { text, source: rank };
  }
  const text = oneLine(prompt ?? "");
  return text === "" ? { text: null, source: null } : { text, source: "prompt" };
}

/** The first line with text, cut between two characters. */
function oneLine(value: string): string {
  const line = value.trimStart().split("\n", 1)[0]?.trim() ?? "";
  if (line.length <= TITLE_CHARACTERS_MAX) return line;
  return `${line
    .slice(0, TITLE_CHARACTERS_MAX - 1)
    .toWellFormed()
    .replace(/\uFFFD$/, "")}…`;
}
