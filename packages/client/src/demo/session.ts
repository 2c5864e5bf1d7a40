/** A device of the demo. Its id shows that it is one. */
export type DemoDevice = { id: string; name: string; home: string };

export type DemoRepository = { remote: string; folder: string; branch: string };

/** One call of a tool, and what it answered. */
export type DemoStep =
  | { tool: "read"; path: string; text: string }
  | { tool: "edit"; path: string; before: string; after: string }
  | { tool: "run"; command: string; output: string; exit_code: number };

export type DemoCommit = {
  hash: string;
  message: string;
  files: string[];
  insertions: number;
  deletions: number;
};

/** A prompt, the calls that follow it, and the answer. `tokens` are those that the prompt and its answer add to the context. */
export type DemoTurn = {
  at: Date;
  prompt: string;
  steps: DemoStep[];
  answer: string;
  commit: DemoCommit | null;
};

export type DemoSubagent = { agent_id: string; task: string; answer: string };

/** What happens in a session that has not ended. */
export type DemoState = "working" | "needs permission" | "turn done";

export type DemoSession = {
  id: string;
  agent: "claude-code" | "codex";
  model: string;
  device: DemoDevice;
  repository: DemoRepository;
  turns: [DemoTurn, ...DemoTurn[]];
  subagent: DemoSubagent | null;
  /** Null: it has ended, after its last turn. */
  state: DemoState | null;
  /** Numbers for ids and tokens. */
  seed: number;
};

/** Between two records of a turn, in milliseconds. */
export const STEP_MS = 25_000;
/** Between the last record of a session and its end. */
export const END_MS = 90_000;

/** When the answer of a turn is written. */
export function endOfTurn({ at, steps }: DemoTurn): Date {
  return new Date(at.getTime() + (steps.length + 1) * STEP_MS);
}

/** When the last turn is answered. */
export function endOfTurns({ turns }: DemoSession): Date {
  return endOfTurn(turns.at(-1) ?? turns[0]);
}

export function folderOf({ device, repository }: Pick<DemoSession, "device" | "repository">): string {
  return `${device.home}/${repository.folder}`;
}
