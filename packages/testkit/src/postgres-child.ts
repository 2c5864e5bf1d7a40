import { startTestPostgres } from "./test-postgres.ts";

/**
 * A program: starts the test Postgres, prints its URL as one line, and ends it when its input closes.
 * The kernel closes the input however the parent ends, so that not even a SIGKILL leaves a Postgres behind.
 */
// The signals of a terminal are for the parent, which closes our input when it is done.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

const postgres = await startTestPostgres();
try {
  process.stdout.write(`${postgres.url}\n`);
  for await (const _ of Bun.stdin.stream()) {
    // Nothing is ever sent: this waits for the end.
  }
} finally {
  await postgres.stop();
}
process.exit(0);
