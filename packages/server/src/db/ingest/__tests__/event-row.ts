import { createUlid } from "@wharf/protocol";
import type { EventRow } from "../flush-events.ts";

/** An event of device d in workspace w, as it is handed to a flush. */
export function eventRow(fields: Partial<EventRow> = {}): EventRow {
  return {
    id: createUlid(),
    type: "tool.use",
    timestamp: "2026-03-01T10:00:00Z",
    device_id: "d",
    workspace_id: "w",
    session_id: null,
    data: "{}",
    blob_refs: "[]",
    ...fields,
  };
}
