import { minute, type SentEvent, toolUse } from "../../ingest/__tests__/event-factory.ts";

/** Events of which notes are kept: what is stored with changes, repeated, or rejected. */
export function oddEvents(known: SentEvent | undefined): unknown[] {
  const id = (n: number) => `01KM${String(7_000 + n).padStart(22, "0")}`;
  return [
    { ...toolUse("plain", 2.2), id: id(1), data: { text: "a\u0000b" } },
    { ...toolUse("plain", 2.3), id: id(2), workspace_id: "no remote at all", session_id: null },
    { ...toolUse("plain", 2.4), id: id(3), timestamp: "2099-01-01T00:00:00Z", session_id: null },
    { ...known, data: { ...known?.data, cwd: "/another/body" } },
    { ...known },
    { ...toolUse("plain", 2), id: "no id" },
    { ...toolUse("plain", 2), id: id(4), timestamp: minute(0).replace("2026", "1899") },
    { ...toolUse("plain", 2), id: id(5), workspace_id: "01KM0000000000000000000000" },
  ];
}
