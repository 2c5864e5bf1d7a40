-- People in browsers. A link is exchanged once for a cookie; a cookie acts as the key with key_hash while that key is valid.
CREATE TABLE IF NOT EXISTS sign_ins (
  hash       BYTEA PRIMARY KEY CHECK (octet_length(hash) = 32), -- of the token in the link, or of the cookie
  -- NULL: a link. No foreign key: an admin key of the environment has no row.
  key_hash   BYTEA CHECK (octet_length(key_hash) = 32),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_sign_ins_expires ON sign_ins (expires_at);
