import { z } from "zod";

/** Defaults and maxima of command jobs. */
export type CommandBounds = {
  readonly timeoutMs: Bound;
  readonly memoryBytes: Bound;
  readonly processes: Bound;
  readonly outputBytes: Bound;
  readonly artifacts: { readonly count: number; readonly bytes: number };
};

export type Bound = { readonly usual: number; readonly max: number };

const MIB = 1024 ** 2;

export const COMMAND_BOUNDS: CommandBounds = {
  timeoutMs: { usual: 10 * 60_000, max: 6 * 3_600_000 },
  memoryBytes: { usual: 1024 * MIB, max: 8192 * MIB },
  processes: { usual: 64, max: 512 },
  outputBytes: { usual: 16 * MIB, max: 256 * MIB },
  artifacts: { count: 100, bytes: 256 * MIB },
};

const MEMORY_BYTES_MIN = 8 * MIB;
const ARGUMENTS_MAX = 256;
const PATTERNS_MAX = 32;
const PATTERN_CHARACTERS_MAX = 512;
const STDIN_CHARACTERS_MAX = MIB;
/** The kernel accepts 128 KiB per argument, and 2 MiB for all of them with the environment. */
const ARGUMENT_BYTES_MAX = 100_000;
const ARGUMENTS_BYTES_MAX = 1_000_000;

const argument = z
  .string()
  .refine((text) => !text.includes("\0"), { error: "must not contain a NUL" })
  .refine((text) => Buffer.byteLength(text) <= ARGUMENT_BYTES_MAX, { error: "is too long" });
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);
const pattern = z
  .string()
  .min(1)
  .max(PATTERN_CHARACTERS_MAX)
  .refine((text) => !text.startsWith("/") && !text.split("/").includes(".."), {
    error: "must be a pattern within the workspace",
  });

export type CommandInputSchema = ReturnType<typeof commandInput>;
export type CommandInput = z.output<CommandInputSchema>;

/** The input of a command job. It is stored as sent, so its names are those of the API. */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the schema is its type
export function commandInput({ timeoutMs, memoryBytes, processes, outputBytes }: CommandBounds) {
  return z
    .strictObject({
      /** Program and arguments, without a shell. */
      command: z.array(argument).min(1).max(ARGUMENTS_MAX),
      env: z.record(variableName, argument).default({}),
      stdin: z.string().max(STDIN_CHARACTERS_MAX).default(""),
      /** Globs of files in the workspace to store when the command succeeds. */
      artifacts: z.array(pattern).max(PATTERNS_MAX).default([]),
      timeout_ms: bounded(1, timeoutMs),
      memory_bytes: bounded(MEMORY_BYTES_MIN, memoryBytes),
      processes_max: bounded(1, processes),
      output_bytes_max: bounded(0, outputBytes),
      /** True: a failure of the command is retried; otherwise the job becomes a dead letter immediately. */
      retry: z.boolean().default(false),
    })
    .refine(
      ({ command, env }) => bytesOf([...command, ...Object.entries(env).flat()]) <= ARGUMENTS_BYTES_MAX,
      {
        error: "the command and its environment are too long together",
      },
    );
}

const stored = z.object({ hash: z.string(), size: z.number() });

export const commandOutput = z.object({
  duration_ms: z.number(),
  memory_peak_bytes: z.number(),
  processes_peak: z.number(),
  /** Stored completely in the artifact store; with their ends as text. */
  stdout: stored.extend({ tail: z.string() }),
  stderr: stored.extend({ tail: z.string() }),
  artifacts: z.array(stored.extend({ path: z.string() })),
});

function bounded(min: number, { usual, max }: Bound) {
  return z.int().min(min).max(max).default(usual);
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
}
