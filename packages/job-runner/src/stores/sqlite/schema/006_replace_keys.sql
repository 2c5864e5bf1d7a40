-- Of the jobs of one type that wait in a queue under one replace key, one is enough: the newest takes its place.
ALTER TABLE jobs ADD COLUMN replace_key TEXT;
CREATE INDEX jobs_replace_key ON jobs (queue, type, replace_key) WHERE replace_key IS NOT NULL AND status = 'queued';
