-- A session has one owner (projections/session-owner.ts), which also covers the starts that this table held.
DROP TABLE IF EXISTS session_claims;
