export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./cluster.ts";
export { EmbeddedPostgresError } from "./errors.ts";
export { tryLock } from "./lock.ts";
