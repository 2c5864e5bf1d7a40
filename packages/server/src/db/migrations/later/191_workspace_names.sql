-- Clients name workspaces in another case than Git does.

CREATE INDEX IF NOT EXISTS idx_workspaces_name_any_case      ON workspaces (lower(display_name));
CREATE INDEX IF NOT EXISTS idx_workspaces_canonical_any_case ON workspaces (lower(canonical_id));
