import type { Fact, Message, ResponsePart } from "@wharf/transcripts";
import { describeSession, type SubagentOf } from "../../../../transcripts/src/__tests__/describe-session.ts";
import { type Counted, titleOf } from "../../../../transcripts/src/__tests__/hub.ts";
import type { Sql } from "../../db/postgres.ts";

type Row = { session_id: string; agent_id: string | null };
type MessageRow = Row & { id: string; line: number; at: string | null } & Omit<
    Message,
    "blocks" | "key" | "at"
  > & {
    message_key: string;
    blocks: Message["blocks"] | null;
  };

/** What the database holds of all sessions and subagents, as the cases describe them. */
export async function describeStored(sql: Sql): Promise<(Record<string, unknown> & { id: string })[]> {
  const messages = await readMessages(sql);
  const facts = await readFacts(sql);
  const responses = await readResponses(sql);
  const idOf = ({ session_id, agent_id }: Row) =>
    agent_id === null ? session_id : `${session_id}/${agent_id}`;
  const ids = [...new Set([...messages, ...facts].map(idOf))].sort();
  const subagents = await readSubagents(sql);
  return ids.map((id) => {
    const ofSession = messages.filter((row) => idOf(row) === id).map(({ message }) => message);
    const factsOfSession = facts.filter((row) => idOf(row) === id).map(({ fact }) => fact);
    const counted: Counted = {
      id,
      title: titleOf(factsOfSession, ofSession),
      facts: factsOfSession,
      messages: ofSession,
      own: ofSession.filter(({ is_copy }) => !is_copy),
      responses: responses.filter((row) => idOf(row) === id).map(({ part }) => part),
    };
    const origin = factsOfSession.find((fact) => fact.fact === "origin");
    const described = {
      ...describeSession(counted, subagents),
      id,
      active_prompts: activePrompts(messages, id),
    };
    if (origin?.fact !== "origin" || origin.parent === null) return described;
    return { ...described, parent: origin.parent, agent_type: origin.agent_type };
  });

  function activePrompts(all: typeof messages, id: string): string[] {
    const shown = all.filter((row) => idOf(row) === id && !row.is_rewound && row.message.kind === "prompt");
    return shown.map(({ message }) => message.blocks.map(({ text }) => text).join("\n"));
  }
}

async function readMessages(sql: Sql) {
  const rows = await sql<(MessageRow & { is_rewound: boolean })[]>`
    SELECT m.session_id, s.agent_id, m.id, m.message_key, m.parent_key, m.kind, to_json(m.timestamp) #>> '{}' AS at, m.model,
      m.response_key, m.is_copy, m.is_sidechain, m.is_rewound, (
        SELECT json_agg(json_build_object(
          'type', block_type, 'text', coalesce(content_text, thinking_text, result_text), 'tool', tool_name,
          'call_id', coalesce(tool_use_id, tool_result_id), 'input', tool_input, 'is_error', is_error,
          'spilled', metadata -> 'spilled'
        ) ORDER BY block_order) FROM content_blocks b WHERE b.message_id = m.id
      ) AS blocks
    FROM transcript_messages m LEFT JOIN subagents s ON s.id = m.subagent_id
    WHERE m.kind <> 'unknown'
    ORDER BY m.sorted_at, m.ordinal, m.id`;
  return rows.map(({ session_id, agent_id, is_rewound, message_key, blocks, ...row }) => {
    const message: Message = { ...row, key: message_key, blocks: blocks ?? [] };
    return { session_id, agent_id, is_rewound, message };
  });
}

/** Facts of a record count as long as its message is shown. */
async function readFacts(sql: Sql): Promise<(Row & { fact: Fact })[]> {
  const rows = await sql<(Row & { fact: string; data: object; agent_id_of_file: string | null })[]>`
    SELECT t.session_id, substring(f.file FROM 'agent-([^/]+)\\.jsonl$') AS agent_id, t.fact, t.data
    FROM transcript_facts t JOIN transcript_files f ON f.id = t.file_id
    WHERE t.message_id IS NULL OR EXISTS (
      SELECT FROM transcript_messages m
      WHERE m.id = t.message_id AND m.file_id = t.file_id AND m.generation = t.generation
    )
    ORDER BY f.device_id DESC, f.file, t.generation, t.line, t.position`;
  return rows.map(({ session_id, agent_id, fact, data }) => {
    const read: Fact = JSON.parse(JSON.stringify({ ...data, fact }));
    return { session_id, agent_id, fact: read };
  });
}

async function readResponses(sql: Sql): Promise<(Row & { part: ResponsePart })[]> {
  const rows = await sql<(Row & { response_key: string } & ResponsePart & ResponsePart["usage"])[]>`
    SELECT r.session_id, s.agent_id, r.response_key, r.model, r.speed, r.service_tier, r.inference_geo, r.is_lower_bound,
      r.input::float8, r.output::float8, r.cache_read::float8, r.cache_write_5m::float8, r.cache_write_1h::float8,
      r.reasoning::float8, r.web_searches::float8, r.cache_write_unsplit::float8
    FROM model_responses r LEFT JOIN subagents s ON s.id = r.subagent_id ORDER BY r.at, r.response_key`;
  return rows.map(({ session_id, agent_id, response_key, ...row }) => ({
    session_id,
    agent_id,
    part: {
      ...row,
      key: response_key,
      at: null,
      is_copy: false,
      is_sidechain: agent_id !== null,
      usage: row,
    },
  }));
}

async function readSubagents(sql: Sql): Promise<SubagentOf[]> {
  const rows = await sql<(SubagentOf & { session_id: string; agent_id: string })[]>`
    SELECT session_id, agent_id, nullif(agent_type, 'unknown') AS agent_type, call_id, parent_agent_id, description, workflow, label, model
    FROM subagents`;
  return rows.map(({ session_id, agent_id, ...row }) => ({ ...row, id: `${session_id}/${agent_id}` }));
}
