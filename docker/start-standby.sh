#!/usr/bin/env bash
# Copies the primary into an empty data directory, and follows it.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  pg_basebackup -d "$PRIMARY" -D "$PGDATA" -R -X stream --checkpoint=fast
fi
exec postgres -D "$PGDATA"
