# PgBouncer as Debian has it.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends pgbouncer && rm -rf /var/lib/apt/lists/*
EXPOSE 6432
USER postgres
CMD ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]
