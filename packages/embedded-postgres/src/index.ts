export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./cluster.ts";
export { EmbeddedPostgresError } from "./errors.ts";
export { type FoundPostgres, findEmbeddedPostgres } from "./find.ts";
export { tryLock } from "./lock.ts";
