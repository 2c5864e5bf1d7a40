import postgres from "postgres";
import { z } from "zod";
import { createScheduler } from "../../engine/scheduler.ts";
import { defineJob, defineSchedule } from "../../index.ts";
import { createPostgresDriver } from "../../stores/postgres/postgres.ts";

/** One of several schedulers: walks through a day in its own strides, then prints the number of enqueued ticks. */
const sql = postgres(process.env["DATABASE_URL"] ?? "", { max: 1, onnotice: () => undefined });
const endMs = Date.parse(process.env["UNTIL"] ?? "");
const tick = defineJob({ name: "tick", input: z.object({ at: z.string() }), run: () => undefined });
const schedule = defineSchedule({
  name: "day",
  cron: "*/5 * * * *",
  timeZone: "Europe/Berlin",
  job: tick,
  input: (at) => ({ at: at.toISOString() }),
  missed: "all",
});
const scheduler = createScheduler(createPostgresDriver({ sql, listenSql: false }), [schedule]);

let enqueued = 0;
let nowMs = Date.parse(process.env["FROM"] ?? "");
while (nowMs < endMs) {
  enqueued += (await scheduler.fireDue({ now: new Date(nowMs) })).length;
  nowMs = Math.min(endMs, nowMs + Math.ceil(Math.random() * 600_000));
}
enqueued += (await scheduler.fireDue({ now: new Date(endMs) })).length;
await sql.end({ timeout: 1 });
process.stdout.write(`enqueued ${enqueued}\n`);
