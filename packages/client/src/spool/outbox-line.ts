import type { NewEvent } from "../sdk/events.ts";
import { emptyEventData } from "../share/empty-texts.ts";
import type { ShareLevel } from "../share/rules.ts";
import type { HookOrigin, ShareLevels } from "../share/share-level.ts";

/** Rules may change while events wait: the place of each hook is kept next to its events, and not sent. JSON has no tab. */
const SEPARATOR = "\t";

/** A line of a batch, without its line break. */
export function outboxLine(origin: HookOrigin, event: NewEvent): string {
  return `${JSON.stringify(origin)}${SEPARATOR}${JSON.stringify(event)}`;
}

/** The events of a batch as they may be sent now, each as JSON. Throws ShareRulesError. */
export async function readOutboxLines(
  content: string,
  shareOf: ShareLevels["ofHook"] = async () => "full",
): Promise<string[]> {
  const levels = new Map<string, ShareLevel>();
  async function levelAt(origin: string): Promise<ShareLevel> {
    const level = levels.get(origin) ?? (await shareOf(JSON.parse(origin)));
    levels.set(origin, level);
    return level;
  }

  const events: string[] = [];
  for (const line of content.split("\n").filter((one) => one !== "")) {
    const [origin = "", event] = line.split(SEPARATOR);
    // A batch of an earlier version has events alone.
    const level = event === undefined ? "full" : await levelAt(origin);
    const json = event ?? origin;
    if (level !== "nothing") events.push(level === "facts" ? emptied(json) : json);
  }
  return events;
}

function emptied(json: string): string {
  const event = JSON.parse(json) as NewEvent;
  return JSON.stringify({ ...event, data: emptyEventData(event.data) });
}
