/** What the process is doing: it takes requests only while `ready`. */
export type Phase = "starting" | "ready" | "draining";

export type Readiness = { phase(): Phase; set(phase: Phase): void; uptime_seconds(): number };

export function createReadiness(now: () => number = () => performance.now()): Readiness {
  let current: Phase = "starting";
  const startedAt = now();
  return {
    phase: () => current,
    set: (phase) => {
      current = phase;
    },
    uptime_seconds: () => Math.round((now() - startedAt) / 1000),
  };
}
