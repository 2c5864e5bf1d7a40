import {
  AGENTS,
  END_REASONS,
  INITIAL_PROMPT_CHARACTERS_MAX,
  REPORT_TEXT_CHARACTERS_MAX,
  SESSION_SOURCES,
} from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { knownOrOther } from "./enumerations.ts";
import { microseconds } from "./microseconds.ts";
import { statementsOfFacts } from "./session-facts.ts";

/** Of a device's starts and of its ends of a session, so many of the earliest and of the latest are read, and kept when they are deleted. */
const EVENTS_READ_MAX = 20;
/** So many events of one instant are compared by their ids, where a session begins with them. */
const FIRST_EVENTS_COMPARED = 10;
/** The first prompt is looked for among so many events: an agent without prompts in its hooks may have sent any number. */
const LIVE_EVENTS_READ_MAX = 100;

/** The columns of session_reports that hold a statement. */
function statementColumns(sql: Sql): Fragment {
  return sql`
    kind, at, event_id, workspace_id, device_id, ended_at, end_reason, duration_ms, git_branch, model, agent, source, initial_prompt,
    metadata`;
}

/** What is known of session `s` with owner `o`: a JSON array of Statement. Of events, only the owner's are read. */
export function statementsOfSession(sql: Sql): Fragment {
  const us = (instant: Fragment) => microseconds(sql, instant);
  return sql`
    SELECT coalesce(json_agg(json_build_object(
      'report_id', k.report_id, 'kind', k.kind, 'at_us', ${us(sql`k.at`)}, 'event_id', k.event_id,
      'place', CASE WHEN w.id IS NOT NULL THEN
        json_build_object('canonical_id', w.canonical_id, 'device_id', k.device_id, 'workspace_id', w.id) END,
      'ended_us', ${us(sql`k.ended_at`)}, 'end_reason', k.end_reason, 'duration_ms', k.duration_ms,
      'git_branch', k.git_branch, 'model', k.model, 'agent', k.agent, 'source', k.source, 'initial_prompt', k.initial_prompt,
      'metadata', k.metadata
    )), '[]')
    FROM (
      ${reportedEvents(sql)}
      UNION ALL ${firstEvent(sql)}
      UNION ALL SELECT NULL, ${columnsOfPrompt(sql)} FROM (${firstPrompt(sql)}) e
      UNION ALL ${reports(sql)}
      UNION ALL ${statementsOfFacts(sql)}
    ) AS k (report_id, ${statementColumns(sql)})
    LEFT JOIN LATERAL (SELECT * FROM workspaces WHERE workspaces.id = k.workspace_id OFFSET 0) w ON true`;
}

/** A session may have any number of starts and ends: resumes, or a client that repeats them. */
function reportedEvents(sql: Sql): Fragment {
  const events = sql`
    SELECT * FROM events
    WHERE session_id = s.id AND device_id = o.device_id AND events.type = types.type AND events.type IN ('session.start', 'session.end')`;
  return sql`
    SELECT NULL::bigint, ${columnsOfEvent(sql)}, ${metadataOfEvent(sql, (value) => sql`to_json(${value})::text`)}
    FROM (VALUES ('session.start'), ('session.end')) AS types (type)
    CROSS JOIN LATERAL (
      (${events} ORDER BY timestamp, id LIMIT ${EVENTS_READ_MAX})
      UNION ALL
      (SELECT * FROM (${events} ORDER BY timestamp DESC, id DESC LIMIT ${EVENTS_READ_MAX}) latest
       WHERE EXISTS (${events} ORDER BY timestamp, id LIMIT 1 OFFSET ${EVENTS_READ_MAX}))
    ) e`;
}

/** What start or end event `e` says, as the columns of session_reports but for the metadata; texts as long as in a report. */
function columnsOfEvent(sql: Sql): Fragment {
  const text = (field: string) => sql`left(e.data ->> ${field}, ${REPORT_TEXT_CHARACTERS_MAX})`;
  const source = knownOrOther(sql, sql`e.data ->> 'source'`, SESSION_SOURCES);
  const agent = knownOrOther(sql, sql`e.data ->> 'agent'`, AGENTS);
  const reason = knownOrOther(sql, sql`e.data ->> 'end_reason'`, END_REASONS);
  const ofEnd = (value: Fragment) => sql`CASE WHEN e.type = 'session.end' THEN ${value} END`;
  return sql`
    substr(e.type, length('session.') + 1), e.timestamp, e.id, e.workspace_id, e.device_id, ${ofEnd(sql`e.timestamp`)},
    ${ofEnd(sql`CASE WHEN e.data ->> 'end_reason' = 'prompt_input_exit' THEN 'exit' ELSE ${reason} END`)},
    ${ofEnd(sql`(e.data ->> 'duration_ms')::numeric::bigint`)},
    ${text("git_branch")}, ${text("model")}, ${agent}, CASE WHEN e.type = 'session.start' THEN ${source} END, NULL`;
}

/** The metadata of start or end event `e`: an object without the keys that it does not name. */
function metadataOfEvent(sql: Sql, encode: (text: Fragment) => Fragment): Fragment {
  const text = (field: string) => encode(sql`left(e.data ->> ${field}, ${REPORT_TEXT_CHARACTERS_MAX})`);
  return sql`jsonb_strip_nulls(jsonb_build_object(
    'cwd', ${text("cwd")}, 'cc_version', ${text("cc_version")}, 'transcript_path', ${text("transcript_path")}
  ))`;
}

/** It counts only where neither a start nor a report is known. */
function firstEvent(sql: Sql): Fragment {
  return sql`(
    SELECT NULL, 'event', e.timestamp, e.id, e.workspace_id, e.device_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}'
    FROM (SELECT * FROM events WHERE session_id = s.id AND device_id = o.device_id ORDER BY timestamp LIMIT ${FIRST_EVENTS_COMPARED}) e
    WHERE s.start_reported_at IS NULL OR ${beginsWithBackfill(sql)}
    ORDER BY e.timestamp, e.id LIMIT 1
  )`;
}

/** The first prompt among the events of session `s` from owner `o`; idx_events_live holds these types. */
export function firstPrompt(sql: Sql): Fragment {
  return sql`
    SELECT * FROM (
      SELECT * FROM events
      WHERE session_id = s.id AND device_id = o.device_id
        AND type IN ('session.start', 'agent.prompt', 'agent.tool', 'agent.turn_end', 'agent.waiting')
      ORDER BY timestamp, id LIMIT ${LIVE_EVENTS_READ_MAX}
    ) live
    WHERE ${isPrompt(sql)} ORDER BY timestamp, id LIMIT 1`;
}

function isPrompt(sql: Sql): Fragment {
  return sql`type = 'agent.prompt' AND data ->> 'text' <> ''`;
}

/** What prompt `e` says, as the columns of session_reports: it is an event of its session like others, and has the prompt's text. */
function columnsOfPrompt(sql: Sql): Fragment {
  return sql`
    'event', e.timestamp, e.id, e.workspace_id, e.device_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    left(e.data ->> 'text', ${INITIAL_PROMPT_CHARACTERS_MAX}), '{}'`;
}

/** Whether session `s` has its start from a backfill: then its first event may give it another workspace. */
export function beginsWithBackfill(sql: Sql): Fragment {
  return sql`(
    s.facts ? 'backfill' OR EXISTS (
      SELECT FROM session_reports r WHERE r.session_id = s.id AND r.kind = 'backfill' AND r.at = s.start_reported_at
    )
  )`;
}

/** Whether the start of stub `s` may be that of its transcript: its first event may be a later one. */
export function startsWithTranscript(sql: Sql): Fragment {
  return sql`EXISTS (SELECT FROM session_reports r WHERE r.session_id = s.id AND r.kind = 'transcript')`;
}

function reports(sql: Sql): Fragment {
  return sql`
    SELECT r.id, r.kind, r.at, r.event_id, r.workspace_id, r.device_id, r.ended_at, r.end_reason, r.duration_ms,
      r.git_branch, r.model, r.agent, r.source, r.initial_prompt, ${jsonTexts(sql, sql`r.metadata`)}
    FROM session_reports r WHERE r.session_id = s.id`;
}

/**
 * Keeps what `deleted` events say of their sessions, for the statement that deletes them: a session's columns stay as they are
 * when its events are pruned.
 */
export function keptStatements(sql: Sql, deleted: Fragment): Fragment {
  const place = (order: Fragment) =>
    sql`row_number() OVER (PARTITION BY session_id, device_id, type ORDER BY ${order})`;
  return sql`
    INSERT INTO session_reports (session_id, received_at, ${statementColumns(sql)})
    SELECT e.session_id, e.ingested_at, ${columnsOfEvent(sql)}, ${metadataOfEvent(sql, (text) => text)}
    FROM (
      SELECT *, least(${place(sql`timestamp, id`)}, ${place(sql`timestamp DESC, id DESC`)}) AS place
      FROM ${deleted} WHERE session_id IS NOT NULL AND type IN ('session.start', 'session.end')
    ) e
    WHERE e.place <= ${EVENTS_READ_MAX}
    UNION ALL
    SELECT e.session_id, e.ingested_at, 'event', e.timestamp, e.id, e.workspace_id, e.device_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}'
    FROM (
      SELECT DISTINCT ON (session_id, device_id) * FROM ${deleted} WHERE session_id IS NOT NULL
      ORDER BY session_id, device_id, timestamp, id
    ) e
    WHERE NOT EXISTS (
      SELECT FROM session_reports r
      WHERE r.session_id = e.session_id AND r.device_id = e.device_id AND r.kind = 'event' AND (r.at, r.event_id) <= (e.timestamp, e.id)
    )
    UNION ALL
    SELECT e.session_id, e.ingested_at, ${columnsOfPrompt(sql)}
    FROM (
      SELECT DISTINCT ON (session_id, device_id) * FROM ${deleted} WHERE session_id IS NOT NULL AND ${isPrompt(sql)}
      ORDER BY session_id, device_id, timestamp, id
    ) e
    WHERE NOT EXISTS (
      SELECT FROM session_reports r
      WHERE r.session_id = e.session_id AND r.device_id = e.device_id AND r.kind = 'event' AND r.initial_prompt IS NOT NULL
        AND (r.at, r.event_id) <= (e.timestamp, e.id)
    )`;
}

/** The values of a JSONB object as JSON texts. */
function jsonTexts(sql: Sql, object: Fragment): Fragment {
  return sql`(SELECT coalesce(jsonb_object_agg(key, value::text), '{}') FROM jsonb_each(${object}))`;
}
