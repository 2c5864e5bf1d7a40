#!/usr/bin/env bash
# Runs once, when the primary's data directory is created: allows a standby, and lets commits wait for it from the next start on.
set -euo pipefail
echo "host replication all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "ALTER SYSTEM SET synchronous_standby_names = '*'"
