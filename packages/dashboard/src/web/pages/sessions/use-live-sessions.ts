import type { Session } from "@wharf/protocol";
import { useState } from "preact/hooks";
import { useLive } from "../../app/live.ts";

export type LiveSessions = {
  /** As they were read, with what changed since. */
  sessions: readonly Session[] | null;
  /** Sessions that are not in the list yet. */
  newCount: number;
  isDeleted: (id: string) => boolean;
  /** Reads the list again, with the new ones. */
  show: () => void;
};

/** Changes rows in place; new sessions wait until a person asks for them. `matches` null: it cannot be told which belong to the list. */
export function useLiveSessions(
  read: readonly Session[] | null,
  matches: ((session: Session) => boolean) | null,
  reload: () => void,
): LiveSessions {
  const [changed, setChanged] = useState<ReadonlyMap<string, Session | null>>(new Map());
  useLive(["session"], (changes) => {
    const rows = changes.flatMap(({ ids, session }) =>
      session === undefined ? [] : ids.map((id) => [id, session] as const),
    );
    setChanged((before) => new Map([...before, ...rows]));
  });
  const inList = new Set(read?.map(({ id }) => id));
  const newest = read?.[0]?.started_at ?? "";
  const added = [...changed.values()].filter(
    (session) =>
      session !== null &&
      !inList.has(session.id) &&
      session.started_at > newest &&
      matches?.(session) === true,
  );
  return {
    sessions: read?.map((session) => laterOf(session, changed.get(session.id))) ?? null,
    newCount: read === null ? 0 : added.length,
    isDeleted: (id) => changed.get(id) === null,
    show: () => {
      reload();
      scrollTo({ top: 0 });
    },
  };
}

function laterOf(read: Session, changed: Session | null | undefined): Session {
  return changed && changed.updated_at > read.updated_at ? changed : read;
}
