import { startBenchPostgres } from "/tmp/wt/jobs/bench/src/postgres.ts";
import { openWharf } from "/tmp/wt/jobs/bench/src/jobs/wharf.ts";
import { openGraphile } from "/tmp/wt/jobs/bench/src/jobs/graphile.ts";
import { measureBulk, measureThroughput, measureLatency } from "/tmp/wt/jobs/bench/src/jobs/measure.ts";
import { median } from "/tmp/wt/jobs/bench/src/report.ts";
const pg = await startBenchPostgres("bench");
try {
for (let i=0;i<2;i++) {
 const g = await openGraphile(pg.url);
 console.log("graphile bulk", await measureBulk(g, 60000), "thr q2000", await measureThroughput(g,"q2000",60000,20000), "lat", median(await measureLatency(g,"default",100)));
 await g.close();
 const w = await openWharf(pg.url);
 console.log("wharf bulk", await measureBulk(w, 60000), "thr c10", await measureThroughput(w,"default",60000,20000), "c50", await measureThroughput(w,"c50",60000,20000), "lat", median(await measureLatency(w,"default",100)), "notify", median(await measureLatency(w,"notify",100)));
 await w.close();
}
} finally { await pg.stop(); }
process.exit(0);
