import postgres from "postgres";
import { startBenchPostgres } from "./postgres.ts";
import { median, rounded } from "./report.ts";
import { join } from "node:path";
import { z } from "zod";
import { createJobRunner, createPostgresDriver, defineJob, jobMigrationsDir } from "../../packages/job-runner/src/index.ts";
const s = await startBenchPostgres();
try {
 const url=await s.recreate("a","template0");
 const sql = postgres(url, { max: 10, onnotice: () => {} });
 await sql.file(join(jobMigrationsDir, "006_jobs.sql")).execute();
 const base = createPostgresDriver({ sql });
 const T: Record<string, number[]> = {};
 let t0 = 0; const mark=(k:string)=>{ (T[k]??=[]).push(performance.now()-t0); };
 const driver = { ...base, 
   listen: (h:any)=>base.listen!({ onCancelled: h.onCancelled, onRunnable: (q)=>{ mark("notified"); h.onRunnable(q);} }),
   reserve: async (r:any,a:any)=>{ mark("reserve sent"); const x=await base.reserve(r,a); mark("reserved "+x.jobs.length); return x; } };
 const job = defineJob({ name:"noop", input: z.object({n:z.number()}), run: ()=>{ mark("run"); } });
 const enq = createJobRunner({ sql }); const w = createJobRunner({ driver, jobs:[job] });
 await w.start(); await Bun.sleep(500);
 for (let i=0;i<200;i++){ t0=performance.now(); await enq.enqueue(job,{n:i}); mark("enqueued"); await Bun.sleep(20); }
 for (const k in T) console.log(k, T[k]!.length, rounded(median(T[k]!)));
 let c:number[]=[]; for(let i=0;i<100;i++){ const t=performance.now(); await sql`insert into job_idempotency_keys values ('a',${String(i)},1)`; c.push(performance.now()-t); await Bun.sleep(5);} console.log("commit", rounded(median(c)));
 c=[]; for(let i=0;i<100;i++){ const t=performance.now(); await sql`select 1`; c.push(performance.now()-t); await Bun.sleep(5);} console.log("select", rounded(median(c)));
 c=[]; for(let i=0;i<100;i++){ const t=performance.now(); await base.reserve({queue:"default",workerId:"x",leaseMs:1000,limit:10}); c.push(performance.now()-t); await Bun.sleep(5);} console.log("empty reserve", rounded(median(c)));
} finally { await s.stop(); }
process.exit(0);
