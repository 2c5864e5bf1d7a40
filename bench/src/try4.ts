import { startBenchPostgres } from "./postgres.ts";
import { openWharf } from "./jobs/wharf.ts";
import { openGraphile } from "./jobs/graphile.ts";
import { measureThroughput } from "./jobs/measure.ts";
import { readFileSync, readdirSync } from "node:fs";
const pg = await startBenchPostgres("bench");
const pgCpu = () => { let s=0; for (const p of readdirSync("/proc")) { if(!/^\d+$/.test(p)) continue; try { const c=readFileSync(`/proc/${p}/cmdline`,"utf8"); if(!c.includes("postgres")) continue; const f=readFileSync(`/proc/${p}/stat`,"utf8").split(") ")[1]!.split(" "); s+=(Number(f[11])+Number(f[12])+Number(f[13])+Number(f[14]))*10; } catch {} } return s; };
const N=60000;
try {
 for (let i=0;i<3;i++) {
 for (const [open,set] of [[openGraphile,"q2000"],[openWharf,"default"]] as const) {
   const e=await open(pg.url); const orig=e.bulkEnqueue; let a=0,b=process.cpuUsage();
   e.bulkEnqueue=async(n)=>{ await orig(n); a=pgCpu(); b=process.cpuUsage(); };
   const r=await measureThroughput(e,set,N,20000); const pc=pgCpu()-a, bc=process.cpuUsage(b);
   console.log(e.name, Math.round(r), "pg µs/job", (pc*1000/N).toFixed(1), "bun µs/job", ((bc.user+bc.system)/N).toFixed(1));
   await e.close();
 }}
} finally { await pg.stop(); }
process.exit(0);
