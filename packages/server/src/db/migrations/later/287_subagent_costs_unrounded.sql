-- A subagent's cost is the sum of its responses' costs, as a session's is, and is not bounded. The table is not rewritten.
ALTER TABLE subagents ALTER COLUMN cost_estimate_usd TYPE NUMERIC;
