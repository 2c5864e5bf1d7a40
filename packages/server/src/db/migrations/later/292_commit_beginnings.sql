-- The first seven characters of each hash, by which a commit finds the calls that printed it, in full or in short.
CREATE OR REPLACE FUNCTION commit_beginnings(commits TEXT[]) RETURNS TEXT[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT left(sha, 7) FROM unnest(commits) AS sha);
