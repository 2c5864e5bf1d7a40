-- The session_id that the matching of this version wrote, '' for none. Any other one is of the version before, which matched by time
-- alone: a job matches those rows again.
ALTER TABLE git_activity ADD COLUMN IF NOT EXISTS matched_to TEXT;
