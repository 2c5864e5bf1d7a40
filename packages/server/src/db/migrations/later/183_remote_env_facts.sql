-- Which device an environment belongs to, and when each of its values was said: they must not depend on the order of arrival.
ALTER TABLE remote_envs ADD COLUMN IF NOT EXISTS facts JSONB NOT NULL DEFAULT '{}';
