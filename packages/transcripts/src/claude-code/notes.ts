import type { Fact, TitleRank } from "../contract.ts";
import { isObject, type JsonObject, number, object, text } from "../lines/json.ts";
import { readReportedUsage } from "./usage.ts";

/** Records that say nothing that is shown, counted or priced. They stay in the raw file. */
const SILENT: ReadonlySet<string> = new Set([
  "agent-name",
  "agent-color",
  "agent-setting",
  "atis-latch",
  "bridge-session",
  "continued-in",
  "file-history-delta",
  "file-history-snapshot",
  "fork-context-ref",
  "frame-link",
  "last-prompt",
  "mode",
  "permission-mode",
  "progress",
  "queue-operation",
  "relocated",
  "tag",
  "worktree-state",
  // Of a workflow's journal.
  "failed",
  "launched",
  "result",
]);

/** Records without an id and a time: what the agent notes about the session. */
export function readNote(record: JsonObject): Fact[] {
  const type = text(record, "type") ?? "";
  switch (type) {
    case "custom-title":
      return title("custom", text(record, "customTitle"));
    case "ai-title":
      return title("generated", text(record, "aiTitle"));
    case "summary":
      return title("summary", text(record, "summary"));
    case "cost-state":
      return [readCost(record)];
    case "pr-link": {
      const url = text(record, "prUrl");
      return url === null ? [] : [{ fact: "pull_request", url }];
    }
    case "started":
      return readWorkflowStart(record);
    default:
      return SILENT.has(type) || type.startsWith("artifact-") ? [] : [{ fact: "unknown", type }];
  }
}

function title(rank: TitleRank, value: string | null): Fact[] {
  return value === null || value.trim() === "" ? [] : [{ fact: "title", rank, text: value }];
}

function readCost(record: JsonObject): Fact {
  const models = Object.entries(object(record, "modelUsage")).flatMap(([model, usage]) =>
    isObject(usage) ? [[model, readReportedUsage(usage)] as const] : [],
  );
  const cost_usd = number(record, "totalCostUSD");
  return {
    fact: "reported_cost",
    cost_usd: cost_usd !== null && cost_usd >= 0 ? cost_usd : null,
    models: Object.fromEntries(models),
  };
}

/** A line of a workflow's journal that names the subagent which runs a step. */
function readWorkflowStart(record: JsonObject): Fact[] {
  const agent_id = text(record, "agentId");
  if (agent_id === null) return [];
  return [{ fact: "subagent", agent_id, subagent: { label: text(record, "label") } }];
}
