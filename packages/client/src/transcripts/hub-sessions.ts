import { HubError } from "../sdk/hub-error.ts";
import type { Sessions } from "../sdk/sessions.ts";

/** Sessions that the hub does not have. `deleted`: it takes them no more; `unknown`: all others. */
export type HubSessions = { deleted: ReadonlySet<string>; unknown: ReadonlySet<string> };

const IDS_AT_ONCE = 10_000;

/** Each id once. Null while the hub is unavailable. */
export async function readHubSessions(
  sessions: Pick<Sessions, "status">,
  ids: readonly string[],
): Promise<HubSessions | null> {
  const [deleted, unknown] = [new Set<string>(), new Set<string>()];
  try {
    for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
      const answer = await sessions.status(ids.slice(at, at + IDS_AT_ONCE));
      for (const id of answer.deleted) deleted.add(id);
      for (const id of answer.not_found) if (!deleted.has(id)) unknown.add(id);
    }
  } catch (error) {
    if (error instanceof HubError) return null;
    throw error;
  }
  return { deleted, unknown };
}
