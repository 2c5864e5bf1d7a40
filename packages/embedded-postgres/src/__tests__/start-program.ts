import { startEmbeddedPostgres } from "../index.ts";

/** A program for the tests: starts a Postgres in the given folder, prints a line, and runs until it is killed. */
const { url, pid, adopted, dataDir, port } = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? "" });
process.stdout.write(`${JSON.stringify({ url, pid, adopted, dataDir, port })}\n`);
setInterval(() => {}, 60_000);
