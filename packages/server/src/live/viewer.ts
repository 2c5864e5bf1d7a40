import type { LiveKind } from "@wharf/protocol";
import type { ChangePosition } from "../db/reads/changes.ts";
import type { LiveChange } from "./describe-changes.ts";
import type { LiveStream } from "./live-stream.ts";
import { isBehind, positionText } from "./positions.ts";

/** What a viewer wants to see. `key`: equal for equal filters. */
export type LiveFilter = {
  workspace_id?: string | undefined;
  session_id?: string | undefined;
  device_id?: string | undefined;
  kinds: readonly LiveKind[];
  key: string;
};

/** One client: what it wants, and up to where it has been served. */
export type Viewer = {
  readonly filter: LiveFilter;
  /** Null: it begins with the next change. */
  position(): ChangePosition | null;
  startAt(position: ChangePosition): void;
  /** Sends what it wants of these changes, unless it has been served with them. */
  deliver(changes: readonly LiveChange[]): void;
  /** Tells the client that changes are missing, and continues at `position`. */
  reset(position: ChangePosition, reason: string): void;
  /** A comment, so that the connection does not look idle, with the position if no event has told it. */
  beat(): void;
};

export function createViewer(filter: LiveFilter, stream: LiveStream, from: ChangePosition | null): Viewer {
  let current = from;
  let told = from === null ? "" : positionText(from);

  /** The id stands in the last event of a change: a client that has not seen it gets the whole change again. */
  function textsOf({ position, items }: LiveChange): string[] {
    if (current !== null && !isBehind(current, position)) return [];
    current = position;
    const texts = items.flatMap((item) => item.textFor(filter) ?? []);
    const last = texts.pop();
    if (last === undefined) return [];
    told = positionText(position);
    return [...texts, `id: ${told}\n`, last];
  }

  function beat(): void {
    const id = current === null ? "" : positionText(current);
    stream.send(id === told ? ": beat\n\n" : `: beat\nid: ${id}\n\n`);
    told = id;
  }

  return {
    filter,
    position: () => current,
    startAt: (position) => {
      current = position;
      beat();
    },
    deliver: (changes) => stream.send(...changes.flatMap(textsOf)),
    reset: (position, reason) => {
      current = position;
      told = positionText(position);
      const data = { id: told, kind: "reset", ids: [], at: new Date().toISOString(), reason };
      stream.send(`id: ${told}\nevent: reset\ndata: ${JSON.stringify(data)}\n\n`);
    },
    beat,
  };
}
