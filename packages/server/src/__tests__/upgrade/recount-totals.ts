import type { CountedSession } from "./recount-sessions.ts";

/** Sums over sessions as GET /api/workspaces and GET /api/devices give them. */
export function countTotals(
  sessions: readonly CountedSession[],
  keyOf: (session: CountedSession) => unknown,
) {
  return (key: string) => {
    const own = sessions.filter((session) => keyOf(session) === key);
    const last = own.length === 0 ? null : Math.max(...own.map(({ started_at }) => started_at));
    return {
      session_count: own.length,
      active_session_count: own.filter(({ lifecycle }) => ["detected", "capturing"].includes(lifecycle))
        .length,
      total_duration_ms: own.reduce((sum, { duration_ms }) => sum + (duration_ms ?? 0), 0),
      last_session_at: last,
    };
  };
}
