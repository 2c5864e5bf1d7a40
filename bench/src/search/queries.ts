import { INCIDENTS } from "../../../packages/server/src/search/__tests__/corpus/incidents.ts";

export type Query = { group: string; q: string };

/** Words of every third session, and of all. */
const FREQUENT = [
  "error",
  "test file",
  "the",
  "function import path",
  "is",
  "undefined value",
  "cache",
  "deploy failed",
];
const EXACT = [
  "xlogtemp.88",
  "idx",
  "src/auth/session-cookie.ts",
  "session-cookie.ts",
  "TS18046",
  "proxy_read_timeout",
  "GOMAXPROCS",
  "WebGL contexts",
];
const PARTS = [
  "fetchSo",
  "cookieSess",
  "LineStr",
  "someWordThatIsNowhere",
  "rollback_only",
  "kotlin.coll",
  "proxy_read",
];
const MISSPELLED = [
  "postgers replication slot",
  "websoket heartbeat",
  "kuberntes",
  "safri redirect loop",
  "terrafrom plan",
];
const FILTERED = [
  "error workspace:site-3",
  "timeout device:d1 is:prompt",
  "cache agent:claude-code after:2026-05-01",
  "test before:2026-01-15",
  "tool:Bash deploy",
  "file:src/auth/session-cookie.ts cookie",
  "workspace:site-7",
  "is:prompt model:sonnet",
  "error -test -file has:error",
  '"Set-Cookie" safari',
  '"no space left on device"',
];

/** What people type: each group is reported on its own. */
export const QUERIES: readonly Query[] = [
  ...INCIDENTS.map(({ question }) => ({ group: "question", q: question })),
  ...INCIDENTS.map(({ title }) => ({ group: "title", q: title })),
  ...INCIDENTS.map(({ output }) => ({ group: "output", q: output })),
  ...FREQUENT.map((q) => ({ group: "frequent", q })),
  ...EXACT.map((q) => ({ group: "exact", q })),
  ...PARTS.map((q) => ({ group: "part", q })),
  ...MISSPELLED.map((q) => ({ group: "misspelled", q })),
  ...FILTERED.map((q) => ({ group: "filtered", q })),
  { group: "long", q: INCIDENTS.map(({ prompt }) => prompt).join(" ") },
];
