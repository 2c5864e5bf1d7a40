-- A session's cost is the sum of its responses' costs, which have ten decimals, and is not bounded. The table is not rewritten.
ALTER TABLE sessions ALTER COLUMN cost_estimate_usd TYPE NUMERIC;
