-- migrate:no-transaction
-- The facts about one subagent: a session may have hundreds of subagents, and each file that is parsed asks for its own.
DROP INDEX CONCURRENTLY IF EXISTS idx_transcript_facts_subagent;
CREATE INDEX CONCURRENTLY idx_transcript_facts_subagent ON transcript_facts (session_id, (data ->> 'agent_id')) WHERE fact = 'subagent';
