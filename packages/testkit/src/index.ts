export { CHROMIUM } from "./chromium.ts";
export { clearRows } from "./clear-rows.ts";
export { type Clock, createClock } from "./clock.ts";
export { copyTree } from "./copy-tree.ts";
export {
  createTestDatabase,
  type TestDatabase,
  type TestDatabaseOptions,
  useTestDatabase,
} from "./database.ts";
export { freePort } from "./free-port.ts";
export { findLockWaits } from "./lock-waits.ts";
export { hasPgBouncer, type PgBouncer, startPgBouncer } from "./pgbouncer.ts";
export { type Program, type ProgramOptions, spawnProgram } from "./program.ts";
export { createTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
export { TEST_TIMEOUT_MS } from "./timeout.ts";
export { type UntilOptions, until } from "./until.ts";
