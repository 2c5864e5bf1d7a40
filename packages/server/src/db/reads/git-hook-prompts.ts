import { type GitHooksPrompt, UNASSOCIATED_WORKSPACE } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { type Listed, withinPageBytes } from "./page-bytes.ts";

/** Repositories on a device to which the git hooks have not been offered yet, by workspace id after `position`. */
export async function listGitHooksPrompts(
  sql: Sql,
  deviceId: string,
  position: string | null,
  limit: number,
): Promise<Listed<GitHooksPrompt>[]> {
  const found = sql`
    SELECT 'git_hooks_install' AS type, l.workspace_id, w.canonical_id AS workspace_canonical_id,
      w.display_name AS workspace_name, l.device_id, l.local_path
    FROM workspace_devices l JOIN workspaces w ON w.id = l.workspace_id
    WHERE l.device_id = ${deviceId} AND NOT l.git_hooks_installed AND l.git_hooks_answer IS NULL
      AND w.canonical_id <> ${UNASSOCIATED_WORKSPACE}
      ${position === null ? sql`` : sql`AND l.workspace_id > ${position}`}
    ORDER BY l.workspace_id LIMIT ${limit}`;
  const large = { text: ["workspace_canonical_id", "workspace_name", "local_path"] };
  return await sql<Listed<GitHooksPrompt>[]>`
    SELECT type, workspace_id, workspace_canonical_id, workspace_name, device_id, local_path, page_is_full
    FROM (${withinPageBytes(sql, found, sql`workspace_id`, large)}) page
    ORDER BY workspace_id`;
}

/** Keeps the answer to an offer, so that it is not made again. False: this device does not work on this workspace. */
export async function answerGitHooksPrompt(
  sql: Sql,
  answer: { workspace_id: string; device_id: string; action: "accepted" | "declined" },
): Promise<boolean> {
  const rows = await sql`
    UPDATE workspace_devices SET
      git_hooks_answer = ${answer.action},
      git_hooks_answered_at = now(),
      git_hooks_installed = git_hooks_installed OR ${answer.action === "accepted"}
    WHERE workspace_id = ${answer.workspace_id} AND device_id = ${answer.device_id}
    RETURNING 1`;
  return rows.length > 0;
}
