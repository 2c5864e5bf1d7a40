import { startBenchPostgres } from "./postgres.ts";
import postgres from "postgres";
import { readFileSync } from "node:fs";
import { openWharf } from "./jobs/wharf.ts";
const pg = await startBenchPostgres("bench");
const sql = postgres(pg.url, {max:1, onnotice(){}});
const pid = (await sql`select pg_backend_pid() as pid`)[0]!.pid;
const cpu = () => { const f = readFileSync(`/proc/${pid}/stat`,"utf8").split(") ")[1]!.split(" "); US=Number(f[11])*10; return (Number(f[11])+Number(f[12]))*10; };
let US=0;
try {
 const w = await openWharf(pg.url);
 const lockcols="FOR UPDATE SKIP LOCKED";
 const claim = (tok:string, runnable="concurrency_key IS NULL AND queue = 'default' AND status = 'queued'", ret="id, type, payload, priority, run_at::text AS run_at, attempts, max_attempts, recoveries, timeout_ms, concurrency_key, extract(epoch FROM now() - GREATEST(run_at, created_at))::float8 * 1000 AS waited_ms")=>`UPDATE jobs SET status = 'running', lease_token = '${tok}'::uuid, lease_generation = lease_generation + 1,
    lease_expires_at = now() + (30000::float8 * interval '1 millisecond'), heartbeat_at = now(), locked_at = now(), locked_by = 'w1', updated_at = now()
      WHERE ctid = ANY (ARRAY(SELECT ctid FROM jobs WHERE ${runnable} AND run_at <= now() AND type = ANY ('{noop}'::text[]) ORDER BY priority, run_at, id LIMIT 1000 ${lockcols}))
      RETURNING ${ret}`;
 const ack = (tok:string,a:string,st="AND status = 'running'")=>`WITH done AS (DELETE FROM jobs WHERE id = ANY ('${a}'::bigint[]) ${st} AND lease_token = '${tok}'::uuid AND lease_expires_at > now() RETURNING *)
    INSERT INTO jobs_archive (id, queue, type, payload, priority, attempts, max_attempts, recoveries, lease_generation, locked_at, locked_by, timeout_ms, idempotency_key, concurrency_key, concurrency_limit, progress, last_error, output, created_at, completed_at)
    SELECT id, queue, type, payload, priority, attempts, max_attempts, recoveries, lease_generation, locked_at, locked_by, timeout_ms, idempotency_key, concurrency_key, concurrency_limit, progress, last_error, NULL::jsonb, created_at, now() FROM done RETURNING id`;
 const bench = async (label:string, claimF=(t:string)=>claim(t), ackF=(t:string,a:string)=>ack(t,a,"")) => {
   await w.clear(); await w.bulkEnqueue(30000); await sql`vacuum analyze jobs`;await sql`checkpoint`;
   let c=0,k=0,u0=0; cpu(); u0=US; let  n=0; const w0=(await sql`select pg_current_wal_lsn() l`)[0]!.l;
   for (let i=0;i<25;i++){ const tok=crypto.randomUUID(); let t=cpu(); const r=await sql.unsafe(claimF(tok)); c+=cpu()-t; n+=r.length; t=cpu(); await sql.unsafe(ackF(tok,"{"+r.map((x:any)=>x.id).join(",")+"}")); k+=cpu()-t;}
   const wal=Number((await sql`select pg_wal_lsn_diff(pg_current_wal_lsn(), ${w0}::text::pg_lsn)::float8 d`)[0]!.d);
   console.log(label.padEnd(30),n,"claim µs/row",(c*1000/n).toFixed(1),"ack",(k*1000/n).toFixed(1), "user share total", ((US-u0)*1000/n).toFixed(1), "wal/row", (wal/n)|0);
 };

 const slim="id, type, payload, priority, date_part('epoch', run_at) AS run_at, attempts, max_attempts, recoveries, timeout_ms, concurrency_key, date_part('epoch', now() - GREATEST(run_at, created_at)) * 1000 AS waited_ms";
 await bench("base");
 const pr=Bun.spawn(["perf","record","-q","-g","-o","/tmp/perf.data","-p",String(pid)],{stdout:"ignore",stderr:"ignore"}); await bench("perf", (t)=>claim(t,undefined,slim)); pr.kill("SIGINT"); await pr.exited; process.exit(0);
 await bench("date_part", (t)=>claim(t,undefined,slim));
 await bench("json agg", (t)=>`with c as (${claim(t,undefined,slim)}) select id, '' as x from c`);
 await bench("only id", (t)=>claim(t,undefined,"id"));
 await sql.unsafe("set synchronous_commit=off"); await bench("async date_part", (t)=>claim(t,undefined,slim)); await sql.unsafe("set synchronous_commit=on");
 await sql.unsafe("alter table jobs drop constraint jobs_status_known, drop constraint jobs_lease_while_running, drop constraint jobs_failure_when_failed, drop constraint jobs_dead_letter_whole, drop constraint jobs_limits_positive"); await bench("no checks", (t)=>claim(t,undefined,slim));
 await sql.unsafe("alter table jobs set (fillfactor=60)"); await bench("ff60", (t)=>claim(t,undefined,slim));
 await sql.unsafe("drop index jobs_lease"); await bench("ff60 nolease", (t)=>claim(t,undefined,slim));
 await w.close();
} finally { await sql.end({timeout:1}); await pg.stop(); }
process.exit(0);
