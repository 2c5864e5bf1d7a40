export { claudeCode } from "./claude-code/parser.ts";
export { codex } from "./codex/parser.ts";
export * from "./contract.ts";
export { geminiCli } from "./gemini-cli/parser.ts";
export * from "./lines/json.ts";
export { type RecordRead, readRecord } from "./lines/read-record.ts";
export {
  createLineSplitter,
  type Line,
  type LineSplitter,
  type LineSplitterOptions,
} from "./lines/split-lines.ts";
export { opencode } from "./opencode/parser.ts";
export { maxUsage, NO_USAGE } from "./usage.ts";
