import { AGENTS } from "@wharf/protocol/agent-names";
import type { Places } from "../../app/use-places.ts";
import { isoDay, startOfDay } from "../../format/days.ts";
import type { FilterWords } from "../../ui/suggest.ts";

const TOOLS = ["Bash", "Edit", "Write", "Read", "Grep", "Glob", "Task", "WebFetch", "shell", "apply_patch"];
const KINDS = ["prompt", "answer", "title", "summary", "commit", "thinking", "tool_input", "tool_output"];
/** Days before today that `after:` and `before:` offer. */
const DAYS = [0, 1, 7, 30, 90];

/** The filters of a search, with the values that are known. */
export function searchWords(places: Places | null, models: readonly string[], nowMs: number): FilterWords {
  const days = DAYS.map((count) => isoDay(startOfDay(nowMs, count)));
  return {
    workspace: places?.workspaces.map(({ display_name }) => display_name) ?? [],
    device: places?.devices.map(({ name }) => name) ?? [],
    agent: AGENTS,
    model: models,
    tool: TOOLS,
    file: [],
    after: days,
    before: days,
    is: KINDS,
    has: ["error"],
  };
}
