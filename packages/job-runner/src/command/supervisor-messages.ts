/** What a command may use. */
export type CommandLimits = {
  readonly timeMs: number;
  /** Of all its processes together, shared pages counted once. */
  readonly memoryBytes: number;
  readonly processes: number;
  /** stdout and stderr together. */
  readonly outputBytes: number;
};

export type Limit = "time" | "memory" | "processes" | "output";

/** Why a command ended: by itself, at a limit, by its worker's word, or since its worker was gone or silent. */
export type Ending = "exited" | Limit | "told" | "abandoned";

/**
 * What the worker sends its supervisor first. Afterwards each sends the other BEAT now and then, and the worker END to have the
 * command ended.
 */
export type CommandOrder = {
  readonly command: readonly string[];
  /** The whole environment, the marker included. */
  readonly env: Readonly<Record<string, string>>;
  /** `NAME=value`, by which the command's processes are known. */
  readonly marker: string;
  readonly limits: CommandLimits;
  /** Of the command, where it is another than ours: see process-limit.ts. */
  readonly userId: number | null;
  /** The run's folder: see run-folder.ts. */
  readonly folder: string;
  /** The command is ended when no beat of the worker came for so long: it is frozen, and may have lost the job. */
  readonly silenceMs: number;
};

/** What the supervisor answers once all processes of the command have ended. */
export type Report = {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly ending: Ending;
  readonly durationMs: number;
  /** As seen by polling: a shorter peak may have been higher. */
  readonly memoryPeakBytes: number;
  readonly processesPeak: number;
  /** Processes that even SIGKILL did not end. */
  readonly leftBehind: number;
};

/** Each side shows the other that often within `silenceMs` that it lives. */
export const BEATS_PER_SILENCE = 8;

export const BEAT = "beat";
export const END = "end";

export function isCommandOrder(message: unknown): message is CommandOrder {
  return typeof message === "object" && message !== null && "command" in message && "folder" in message;
}

export function isReport(message: unknown): message is Report {
  return typeof message === "object" && message !== null && "exitCode" in message && "ending" in message;
}
