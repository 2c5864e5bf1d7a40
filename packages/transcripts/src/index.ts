export { changeOfCall } from "./calls/change-of-call.ts";
export { type CallDescription, describeCall, type FileWrite } from "./calls/describe-call.ts";
export { exitCodeOf } from "./calls/exit-code.ts";
export { committingVerb, type PrintedCommit, printedCommits } from "./calls/git-commits.ts";
export { readTestRun, type TestRun } from "./calls/test-run.ts";
export { claudeCode } from "./claude-code/parser.ts";
export { codex } from "./codex/parser.ts";
export * from "./contract.ts";
export { geminiCli } from "./gemini-cli/parser.ts";
export {
  CHAIN_BLOCK_BYTES,
  type ChainCheckpoint,
  type ChainHash,
  chainHashOf,
  createChainHash,
  EMPTY_CHAIN_HASH,
} from "./lines/chain-hash.ts";
export * from "./lines/json.ts";
export { type RecordRead, readRecord } from "./lines/read-record.ts";
export {
  createLineSplitter,
  type Line,
  type LineSplitter,
  type LineSplitterOptions,
} from "./lines/split-lines.ts";
export {
  createPieceSplitter,
  oversizedLine,
  type Piece,
  type PieceSplitter,
  type PieceSplitterOptions,
} from "./lines/split-pieces.ts";
export { opencode } from "./opencode/parser.ts";
export { type Billed, type Cost, costOf, findPrice } from "./prices/cost.ts";
export { modelName } from "./prices/model-name.ts";
export { PRICES, type Price, type Rates } from "./prices/price.ts";
export { maxUsage, NO_USAGE } from "./usage.ts";
