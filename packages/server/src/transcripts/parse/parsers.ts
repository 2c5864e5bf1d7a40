import {
  type Agent,
  claudeCode,
  codex,
  type Fact,
  geminiCli,
  type JsonObject,
  opencode,
  type Parser,
  type TranscriptFile,
} from "@wharf/transcripts";

/** Reads the records of one file in their order. */
export type RecordReader = {
  read: (record: JsonObject, line: number) => Fact[];
  /** JSON, from which a later reader continues. */
  state: () => string;
};

/** A parser, without the type of its state. */
export type AgentParser = Omit<Parser<unknown>, "agent" | "begin" | "read"> & {
  /** `state`: of the reader that read the lines before; null at the beginning. */
  open: (file: TranscriptFile, state: string | null) => RecordReader;
};

function withReader<State>({ begin, read, ...parser }: Parser<State>): AgentParser {
  return {
    ...parser,
    open: (file, stored) => {
      // An earlier version's state lacks what later ones have.
      const state: State = stored === null ? begin(file) : { ...begin(file), ...JSON.parse(stored) };
      return {
        read: (record, line) => read(state, record, line),
        state: () => JSON.stringify(state),
      };
    },
  };
}

export const PARSERS: Readonly<Record<Agent, AgentParser>> = {
  "claude-code": withReader(claudeCode),
  codex: withReader(codex),
  "gemini-cli": withReader(geminiCli),
  opencode: withReader(opencode),
};
