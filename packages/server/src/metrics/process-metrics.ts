import type { Registry } from "@wharf/job-runner";

const LAG_INTERVAL_MS = 500;
const MICROSECONDS_PER_S = 1_000_000;

/** Memory, CPU, and how long the event loop was kept busy; under the names that Prometheus' own clients use. */
export function observeProcess(registry: Registry): { stop(): void } {
  const { observed } = registry;
  const startedAt_s = Math.round(Date.now() / 1000 - process.uptime());
  const cpu = () => process.cpuUsage();
  observed("gauge", "process_start_time_seconds", "When the process started.", () => startedAt_s);
  observed("gauge", "process_resident_memory_bytes", "Memory of the process.", () =>
    process.memoryUsage.rss(),
  );
  observed("gauge", "process_heap_bytes", "JavaScript heap in use.", () => process.memoryUsage().heapUsed);
  observed("counter", "process_cpu_seconds_total", "CPU time, user and system.", () => {
    const { user, system } = cpu();
    return (user + system) / MICROSECONDS_PER_S;
  });
  return observeEventLoop(registry);
}

/** How much too late a timer fires: at most since the last scrape, since a spike between two scrapes is what matters. */
function observeEventLoop(registry: Registry): { stop(): void } {
  let lag_ms_max = 0;
  let dueAt = performance.now() + LAG_INTERVAL_MS;
  const timer = setInterval(() => {
    const at = performance.now();
    lag_ms_max = Math.max(lag_ms_max, at - dueAt);
    dueAt = at + LAG_INTERVAL_MS;
  }, LAG_INTERVAL_MS);
  timer.unref();
  registry.observed(
    "gauge",
    "wharf_event_loop_lag_seconds",
    "Longest delay of a timer since the last scrape.",
    () => {
      const lag_s = Math.max(lag_ms_max, performance.now() - dueAt, 0) / 1000;
      lag_ms_max = 0;
      return lag_s;
    },
  );
  return { stop: () => clearInterval(timer) };
}
