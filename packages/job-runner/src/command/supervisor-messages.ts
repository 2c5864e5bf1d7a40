/** The limits of a command. */
export type CommandLimits = {
  readonly timeMs: number;
  /** Sum of all its processes, shared pages counted once. */
  readonly memoryBytes: number;
  readonly processes: number;
  /** Sum of stdout and stderr. */
  readonly outputBytes: number;
};

export type Limit = "time" | "memory" | "processes" | "output";

/** Why a command ended: by itself, at a limit, on request of its worker, or because its worker ended or did not respond. */
export type Ending = "exited" | Limit | "told" | "abandoned";

/**
 * The first message of the worker to its supervisor. Then both send BEAT regularly, and the worker sends END to end the
 * command.
 */
export type CommandOrder = {
  readonly command: readonly string[];
  /** The whole environment, including the marker. */
  readonly env: Readonly<Record<string, string>>;
  /** `NAME=value`, which identifies the command's processes. */
  readonly marker: string;
  readonly limits: CommandLimits;
  /** The user of the command, if it is not ours: see process-limit.ts. */
  readonly userId: number | null;
  /** The run's folder: see run-folder.ts. */
  readonly folder: string;
  /** The command is ended after this time without a beat of the worker, which may have lost the job. */
  readonly silenceMs: number;
};

/** The supervisor's message after all processes of the command have ended. */
export type Report = {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly ending: Ending;
  readonly durationMs: number;
  /** Measured by polling: a short peak may have been higher. */
  readonly memoryPeakBytes: number;
  readonly processesPeak: number;
  /** Processes that even SIGKILL did not end. */
  readonly leftBehind: number;
};

/** Beats of each side within `silenceMs`. */
export const BEATS_PER_SILENCE = 8;

export const BEAT = "beat";
export const END = "end";

export function isCommandOrder(message: unknown): message is CommandOrder {
  return typeof message === "object" && message !== null && "command" in message && "folder" in message;
}

export function isReport(message: unknown): message is Report {
  return typeof message === "object" && message !== null && "exitCode" in message && "ending" in message;
}
