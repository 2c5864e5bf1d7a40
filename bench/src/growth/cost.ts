/** CPU seconds so far. */
export type CpuOf = { servers: number; postgres: number };
/** What a load did: so many reads or events in so many seconds, for so many CPU seconds of its own. */
export type Load = { count: number; seconds: number; cpu_s: number };
/** Per second, and CPU milliseconds for each. */
export type Cost = {
  rate: number;
  servers_ms: number;
  postgres_ms: number;
  clients_ms: number;
  cores_busy: number;
};

/** Runs a load, and divides what it cost by what it did. */
export async function perUnit(cpu: () => Promise<CpuOf>, load: () => Promise<Load>): Promise<Cost> {
  const before = await cpu();
  const { count, seconds, cpu_s } = await load();
  const after = await cpu();
  const [servers, ofPostgres] = [after.servers - before.servers, after.postgres - before.postgres];
  const each = (s: number) => (s * 1000) / count;
  return {
    rate: count / seconds,
    servers_ms: each(servers),
    postgres_ms: each(ofPostgres),
    clients_ms: each(cpu_s),
    cores_busy: (servers + ofPostgres + cpu_s) / seconds,
  };
}
