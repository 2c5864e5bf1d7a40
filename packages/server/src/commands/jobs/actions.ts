import { CommandError } from "../command-error.ts";
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
  /** Besides --json and --help. Other options are errors, because ignoring them would mislead the user. */
  options: readonly (keyof Options)[];
  /** Checks the words, before the database is opened. Throws CommandError. */
  read(operands: readonly string[], options: Options): Request;
};

const FILTER = ["status", "queue", "type", "concurrency-key", "after", "before"] as const;
const PAGE = ["limit", "cursor"] as const;
const NEW_JOB = ["input", "idempotency-key", "priority", "run-at", "delay-ms"] as const;

export const actions: ReadonlyMap<string, Action> = new Map([
  ["list", { options: [...FILTER, ...PAGE], read: list }],
  [
    "dlq",
    {
      options: [...FILTER, ...PAGE],
      read: (operands, options) => list(operands, { ...options, status: "dead" }),
    },
  ],
  ["show", { options: [], read: show }],
  ["enqueue", { options: NEW_JOB, read: enqueue }],
  ["retry", { options: [...FILTER, "keep-attempts"], read: retry }],
  ["cancel", { options: [...FILTER, "reason"], read: cancel }],
  ["queues", { options: [], read: queues }],
  ["pause", { options: ["reason"], read: pause }],
  ["resume", { options: [], read: resume }],
  ["run", { options: ["input"], read: run }],
] satisfies [string, Action][]);

/** Throws CommandError for an option that means nothing to the command. */
export function requireKnownOptions(name: string, action: Action, options: Options): void {
  const known = new Set<string>([...action.options, "json", "help"]);
  const unknown = Object.keys(options).find((option) => !known.has(option));
  if (unknown !== undefined) throw new CommandError(`"jobs ${name}" has no option --${unknown}.`, 2);
}

export const USAGE = `Usage: bun run jobs COMMAND [options]

  list                  jobs, newest first
  dlq                   dead letters, newest first
  show ID               one job with its payload, steps and log
  enqueue TYPE          add a job            --input JSON --idempotency-key KEY --priority=N --run-at TIME | --delay-ms N
  retry ID… | filter    retry dead and cancelled jobs; a filter selects dead jobs unless --status is given
                                             --keep-attempts
  cancel ID… | filter   cancel queued and running jobs                               --reason TEXT
  queues                depths, oldest ready job, rate, pauses
  pause QUEUE           stop all processes from claiming its jobs                    --reason TEXT
  resume QUEUE          undo pause
  run ID | TYPE         run one job in this process: the job with this ID, the next ready job of a type,
                        or a new job with --input JSON

Filter: --status STATE,… --queue NAME --type NAME --concurrency-key KEY --after TIME --before TIME
States: ready scheduled waiting running completed dead cancelled; groups: queued failed dlq
Lists:  --limit N (50) --cursor ID
        When piped, columns are separated by tabs: id, state, queue, type, attempts/max, created, detail
--json  prints the response of the API

Uses DATABASE_URL, or the embedded database.
Exit codes: 0 success; 1 failure, with the reason; 2 invalid arguments.
`;
