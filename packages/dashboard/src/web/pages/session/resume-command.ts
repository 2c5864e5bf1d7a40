import type { SessionDetail } from "@wharf/protocol";
import { resumeCommandOf } from "@wharf/protocol/agent-names";

/** The command that continues a session on its device, in its directory; null for an agent without one. */
export function resumeCommand({
  id,
  agent,
  transcript,
}: Pick<SessionDetail, "id" | "agent" | "transcript">): string | null {
  const command = resumeCommandOf(agent, quoted(id));
  if (command === null) return null;
  const cwd = transcript?.place.cwd ?? null;
  return cwd === null ? command : `cd ${quoted(cwd)} && ${command}`;
}

/** As one word of a POSIX shell: ids and paths come from devices. */
function quoted(text: string): string {
  return /^[\w./@:+-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
