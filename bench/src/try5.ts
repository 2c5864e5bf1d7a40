import { startBenchPostgres } from "./postgres.ts";
import postgres from "postgres";
import { openWharf } from "./jobs/wharf.ts";
import { measureThroughput } from "./jobs/measure.ts";
const pg = await startBenchPostgres("bench");
const N=60000;
const sql = postgres(pg.url, {max:1, onnotice(){}});
try {
 await sql`create table t1(a int)`; 
 let t=performance.now(); for(let i=0;i<50;i++) await sql`insert into t1 values (1)`; console.log("commit ms", (performance.now()-t)/50);
 t=performance.now(); for(let i=0;i<50;i++) await sql`select 1`; console.log("select ms", (performance.now()-t)/50);
 await sql.unsafe("alter system set track_io_timing=on"); await sql`select pg_reload_conf()`;
 for (let i=0;i<2;i++) {
   const e=await openWharf(pg.url);
   let orig=e.bulkEnqueue; let s0:any;
   e.bulkEnqueue=async(n)=>{ await orig(n); s0=(await sql`select xact_commit from pg_stat_database where datname=current_database()`)[0]; };
   const r=await measureThroughput(e,"default",N,20000);
   await Bun.sleep(1200);
   const s1=(await sql`select xact_commit from pg_stat_database where datname=current_database()`)[0];
   console.log(Math.round(r), "commits", Number(s1!.xact_commit)-Number(s0.xact_commit), (globalThis as any).STAT);
   (globalThis as any).STAT=undefined;
   await e.close();
 }
} finally { await sql.end({timeout:1}); await pg.stop(); }
process.exit(0);
