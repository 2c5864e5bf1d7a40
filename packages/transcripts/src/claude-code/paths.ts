import type { Fact } from "../contract.ts";
import { type JsonObject, text } from "../lines/json.ts";

const META_FILE = /(?:^|\/)agent-([A-Za-z0-9_-]{1,100})\.meta\.json$/;
const WORKFLOW_FILE = /(?:^|\/)workflows\/([^/]{1,200})\/agent-([A-Za-z0-9_-]{1,100})\.jsonl$/;
export const SUBAGENT_FILE = /(?:^|\/)agent-([A-Za-z0-9_-]{1,100})\.jsonl$/;

/** Facts from the path of a file: each file `agent-….jsonl` is a subagent, also an older one next to the session's file. */
export function readFilePath(file: string): Fact[] {
  const agent_id = SUBAGENT_FILE.exec(file)?.[1];
  if (agent_id === undefined) return [];
  return [{ fact: "subagent", agent_id, subagent: { workflow: WORKFLOW_FILE.exec(file)?.[1] ?? null } }];
}

/** A file `agent-….meta.json`: who started the subagent, and as what. */
export function readMetaFile(file: string, meta: JsonObject): Fact[] {
  const agent_id = META_FILE.exec(file)?.[1];
  if (agent_id === undefined) return [];
  const subagent = {
    agent_type: text(meta, "agentType"),
    description: text(meta, "description"),
    call_id: text(meta, "toolUseId"),
    parent_agent_id: text(meta, "parentAgentId"),
    model: text(meta, "model"),
  };
  return [{ fact: "subagent", agent_id, subagent }];
}
