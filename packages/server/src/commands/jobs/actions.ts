import type { Options } from "./arguments.ts";
import { cancel, enqueue, retry } from "./change.ts";
import type { Engine } from "./engine.ts";
import type { Output } from "./output.ts";
import { pause, queues, resume } from "./queues.ts";
import { run } from "./run.ts";
import { list, show } from "./show.ts";

/** What a command does once its words are understood; its exit code, 0 unless it says otherwise. */
export type Request = (engine: Engine, output: Output) => Promise<number | undefined>;

export type Action = {
  /** Checks the words, before the database is opened. Throws CommandError. */
  read(operands: readonly string[], options: Options): Request;
};

export const actions: ReadonlyMap<string, Action> = new Map([
  ["list", { read: list }],
  ["dlq", { read: (operands, options) => list(operands, { ...options, status: "dead" }) }],
  ["show", { read: show }],
  ["enqueue", { read: enqueue }],
  ["retry", { read: retry }],
  ["cancel", { read: cancel }],
  ["queues", { read: queues }],
  ["pause", { read: pause }],
  ["resume", { read: resume }],
  ["run", { read: run }],
]);

export const USAGE = `Usage: bun run jobs COMMAND [options]

  list                  jobs, newest first
  dlq                   dead letters, newest first
  show ID               one job with its payload, steps and log
  enqueue TYPE          a new job            --input JSON --idempotency-key KEY --priority=N --run-at TIME | --delay-ms N
  retry ID… | filter    dead or cancelled jobs run again; a filter takes dead ones unless --status says more
                                             --keep-attempts
  cancel ID… | filter   queued and running jobs                                      --reason TEXT
  queues                depths, oldest ready job, rate, pauses
  pause QUEUE           no process claims from it                                    --reason TEXT
  resume QUEUE          they claim again
  run ID | TYPE         runs one job in this process: that one, the next ready one of a type,
                        or a new one with --input JSON

Filter: --status STATE,… --queue NAME --type NAME --concurrency-key KEY --after TIME --before TIME
States: ready scheduled waiting running completed dead cancelled, and queued, failed, dlq for several
Lists:  --limit N (50) --cursor ID
--json prints what the API answers. It works on DATABASE_URL, or on the embedded database.
Exit code: 0 done; 1 not done, with the reason; 2 not understood.
`;
