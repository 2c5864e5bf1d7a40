#!/usr/bin/env bash
# Copies the primary into an empty data directory, and follows it.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  pg_basebackup -d "$PRIMARY" -D "$PGDATA" -R -X stream --checkpoint=fast
fi
# The copy has the primary's setting; after a promotion, each commit would wait for a standby that is not there.
exec postgres -D "$PGDATA" -c synchronous_standby_names=
