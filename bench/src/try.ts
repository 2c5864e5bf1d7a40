import { startBenchPostgres } from "./postgres.ts";
import { openWharf } from "./jobs/wharf.ts";
import { openGraphile } from "./jobs/graphile.ts";
import { measureThroughput, measureLatency } from "./jobs/measure.ts";
import { median } from "./report.ts";
import { measurePinned } from "./jobs/pinned.ts";
const s = await startBenchPostgres();
try {
 const url=await s.recreate("a","template0");
 const g=await openGraphile(await s.recreate("b","template0"));
 const e=await openWharf(url);
 for (let i=0;i<2;i++){
 console.log("g", (await measureThroughput(g,"q2000",60000,20000))|0, "w",(await measureThroughput(e,"default",60000,20000))|0);
 console.log("lat g", median(await measureLatency(g,"default",150)), "direct", median(await measureLatency(e,"default",150)), "notify", median(await measureLatency(e,"notify",150)));
 }
 console.log(await measurePinned(e,url,"default"));
} finally { await s.stop(); }
process.exit(0);
