import type { Database } from "../db/database.ts";
import { findWorkspaceOfSession } from "../db/export/imported-segments.ts";
import type { Redaction } from "../redaction/create-redaction.ts";

export type RowToRedact = { row: Readonly<Record<string, unknown>>; workspace?: string | undefined };

const SESSIONS_KNOWN_MAX = 10_000;

/** Replaces the secrets in the lines of rows, unless that is off in the workspace that a row or its session belongs to. */
export function createRowRedaction({ database, redaction }: { database: Database; redaction: Redaction }) {
  const { switches, texts } = redaction;
  const workspaces = new Map<string, string | null>();

  async function workspaceOf({ row, workspace }: RowToRedact): Promise<string | null> {
    const session_id = row["session_id"];
    if (workspace !== undefined || typeof session_id !== "string") return workspace ?? null;
    const known = workspaces.get(session_id);
    if (known !== undefined) return known;
    if (workspaces.size >= SESSIONS_KNOWN_MAX) workspaces.clear();
    const found = await database.run((sql) => findWorkspaceOfSession(sql, session_id));
    workspaces.set(session_id, found);
    return found;
  }

  return async function redactRow(line: string, row: RowToRedact): Promise<string> {
    const workspace = switches.unredacted().length === 0 ? null : await workspaceOf(row);
    if (workspace !== null && !switches.isRedacted(workspace)) return line;
    const redact = await texts.open();
    return (await redact(line))?.text ?? line;
  };
}
