import postgres from "postgres";
import { median } from "../report.ts";
import { sized } from "../scale.ts";
import type { Engine } from "./measure.ts";

const SECONDS = sized(14, 4);
const BACKLOG = 5000;
const CHUNK = 1000;
const WINDOW_S = 3;

/**
 * Throughput of the last three seconds over that of the first three, while an old snapshot keeps every dead row:
 * an idle REPEATABLE READ transaction holds it, as a forgotten session or a long report would.
 */
export async function measurePinned(engine: Engine, url: string, settings: string): Promise<number> {
  await engine.clear();
  const holder = postgres(url, { max: 1, onnotice: () => undefined });
  await holder.unsafe("BEGIN ISOLATION LEVEL REPEATABLE READ");
  await holder.unsafe("SELECT count(*) FROM pg_class");
  let done = 0;
  let made = 0;
  let isOver = false;
  const worker = await engine.work(settings, () => {
    done += 1;
  });
  const producer = (async () => {
    while (!isOver) {
      if (made - done < BACKLOG) {
        await engine.bulkEnqueue(CHUNK);
        made += CHUNK;
      } else await Bun.sleep(1);
    }
  })();
  const rates: number[] = [];
  for (let second = 0; second < SECONDS; second += 1) {
    const before = done;
    await Bun.sleep(1000);
    rates.push(done - before);
  }
  isOver = true;
  await producer;
  await worker.stop();
  await holder.unsafe("ROLLBACK");
  await holder.end({ timeout: 1 });
  // The first second warms up.
  return median(rates.slice(-WINDOW_S)) / median(rates.slice(1, 1 + WINDOW_S));
}
