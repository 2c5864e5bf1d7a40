import { startBenchPostgres } from "./postgres.ts";
import postgres from "postgres";
import { openWharf } from "./jobs/wharf.ts";
const pg = await startBenchPostgres("bench");
const sql = postgres(pg.url, {max:1, onnotice(){}});
try {
 const w = await openWharf(pg.url);
 await w.clear(); await w.bulkEnqueue(60000);
 await sql.unsafe("set track_io_timing=off");
 const claim = (tok:string)=>`UPDATE jobs SET status = 'running', lease_token = '${tok}'::uuid, lease_generation = lease_generation + 1,
    lease_expires_at = now() + (30000::float8 * interval '1 millisecond'), heartbeat_at = now(), locked_at = now(), locked_by = 'w1', updated_at = now()
      WHERE ctid = ANY (ARRAY(SELECT ctid FROM jobs WHERE concurrency_key IS NULL AND queue = 'default' AND status = 'queued' AND run_at <= now() AND type = ANY ('{noop}'::text[]) ORDER BY priority, run_at, id LIMIT 1000 FOR UPDATE SKIP LOCKED))
      RETURNING id, type, payload, priority, run_at::text AS run_at, attempts, max_attempts, recoveries, timeout_ms, concurrency_key, extract(epoch FROM now() - GREATEST(run_at, created_at))::float8 * 1000 AS waited_ms`;
 const ack = (tok:string,a:string)=>`WITH done AS (DELETE FROM jobs WHERE id = ANY ('${a}'::bigint[]) AND status = 'running' AND lease_token = '${tok}'::uuid AND lease_expires_at > now() RETURNING *)
    INSERT INTO jobs_archive (id, queue, type, payload, priority, attempts, max_attempts, recoveries, lease_generation, locked_at, locked_by, timeout_ms, idempotency_key, concurrency_key, concurrency_limit, progress, last_error, output, created_at, completed_at)
    SELECT id, queue, type, payload, priority, attempts, max_attempts, recoveries, lease_generation, locked_at, locked_by, timeout_ms, idempotency_key, concurrency_key, concurrency_limit, progress, last_error, NULL::jsonb, created_at, now() FROM done RETURNING id`;
 const bench = async (label:string, claimF=claim, ackF=ack) => {
   const c:number[]=[],k:number[]=[];
   for (let i=0;i<12;i++){ const tok=crypto.randomUUID(); let t=performance.now(); const r=await sql.unsafe(claimF(tok)); c.push(performance.now()-t); t=performance.now(); await sql.unsafe(ackF(tok,"{"+r.map((x:any)=>x.id).join(",")+"}")); k.push(performance.now()-t);}
   const med=(a:number[])=>a.sort((x,y)=>x-y)[a.length>>1]!.toFixed(2), mn=(a:number[])=>a[0]!.toFixed(2);
   console.log(label,"claim med/min",med(c),mn(c),"ack",med(k),mn(k));
 };
 await bench("base");
 const tok=crypto.randomUUID();
 const ex=await sql.unsafe("explain (analyze, buffers, wal) "+claim(tok)); console.log(ex.map((r:any)=>r["QUERY PLAN"]).join("\n"));
 const idsr=await sql`select id from jobs where status='running'`;
 const ex2=await sql.unsafe("explain (analyze, buffers, wal) "+ack(tok,"{"+idsr.map((x:any)=>x.id).join(",")+"}")); console.log(ex2.map((r:any)=>r["QUERY PLAN"]).join("\n"));
 await sql.unsafe("alter table jobs disable trigger all"); await bench("no triggers"); await sql.unsafe("alter table jobs enable trigger all");
 await sql.unsafe("drop index jobs_lease"); await bench("no lease index");
 await sql.unsafe("drop index jobs_archive_id"); await bench("no archive idx");
 await sql.unsafe("alter table jobs drop constraint jobs_status_known, drop constraint jobs_lease_while_running, drop constraint jobs_failure_when_failed, drop constraint jobs_dead_letter_whole, drop constraint jobs_limits_positive"); await bench("no checks");
 await sql.unsafe("alter table jobs disable trigger all"); await bench("also no triggers");
 await w.close();
} finally { await sql.end({timeout:1}); await pg.stop(); }
process.exit(0);
