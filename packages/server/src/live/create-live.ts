import type { LiveEndReason } from "@wharf/protocol";
import pLimit from "p-limit";
import { type ChangePosition, readChanges } from "../db/reads/changes.ts";
import { OverloadError } from "../errors.ts";
import type { ServerMetrics } from "../metrics/server-metrics.ts";
import { describeChanges } from "./describe-changes.ts";
import { CHANGES_AT_ONCE, createLiveFeed, findBegin, type LiveFeedOptions } from "./live-feed.ts";
import { createLiveStream, type LiveStream } from "./live-stream.ts";
import { createViewer, type LiveFilter, type Viewer } from "./viewer.ts";

export type LiveRequest = {
  filter: LiveFilter;
  /** Null: from now on. */
  after: ChangePosition | null;
  /** Asked every BEAT_MS; false: the key is no longer valid. */
  isAllowed(): Promise<boolean>;
};

export type Live = {
  /** Throws OverloadError while the process has `streamsMax` streams. */
  open(request: LiveRequest): LiveStream["body"];
  /** Something may have changed. */
  wake(): void;
  /** Ends all streams. */
  close(): void;
};

export type LiveOptions = Omit<LiveFeedOptions, "onError"> & {
  streamsMax: number;
  metrics: Pick<ServerMetrics, "registry" | "liveEnds" | "refusals">;
  /** Called when the first stream is opened, to receive hints. */
  onFirst(): void;
  onError(error: unknown): void;
  beatMs?: number;
  waitingMax?: number;
};

/** Below the time after which an idle connection is closed, here and by proxies; a revoked key ends its streams after this and the key cache's time. */
const BEAT_MS = 10_000;
/** For this many, a client may leave untaken what waits for it. Its connection may be one that nothing reads any more. */
const STUCK_BEATS_MAX = 3;
/** Of one client, before the next changes: some thousand sessions. */
const WAITING_CHARACTERS_MAX = 8 * 1024 * 1024;
/** Clients that return after a restart read what they have missed in turns. */
const CATCHING_UP_MAX = 2;
/** Sent first: how long a browser waits before it reconnects. */
const RETRY = "retry: 1000\n\n";

type Open = { stream: LiveStream; viewer: Viewer; isAllowed: LiveRequest["isAllowed"]; stuckBeats: number };

/** The live streams of this process. */
export function createLive(options: LiveOptions): Live {
  const { reads, streamsMax, metrics, onFirst, onError } = options;
  const { beatMs = BEAT_MS, waitingMax = WAITING_CHARACTERS_MAX } = options;
  const feed = createLiveFeed(options);
  const inTurn = pLimit(CATCHING_UP_MAX);
  const streams = new Set<Open>();
  let beats: NodeJS.Timeout | undefined;
  let isFirst = true;
  metrics.registry.observed("gauge", "wharf_live_streams", "Open live streams.", () => streams.size);

  function open({ filter, after, isAllowed }: LiveRequest): LiveStream["body"] {
    if (streams.size >= streamsMax) {
      metrics.refusals.add(1, "live_streams");
      throw new OverloadError("Too many live streams on this server. Retry later.", "LIVE_STREAMS_TOO_MANY");
    }
    const stream = createLiveStream({ waitingMax, onEnd: (reason) => forget(opened, reason) });
    const viewer = createViewer(filter, stream, after);
    const opened: Open = { stream, viewer, isAllowed, stuckBeats: 0 };
    streams.add(opened);
    stream.send(RETRY);
    if (isFirst) onFirst();
    isFirst = false;
    beats ??= setInterval(beat, beatMs);
    if (after === null) feed.join(viewer);
    else void inTurn(() => catchUp(opened));
    return stream.body;
  }

  function forget(opened: Open, reason: LiveEndReason | null): void {
    streams.delete(opened);
    feed.leave(opened.viewer);
    metrics.liveEnds.add(1, reason ?? "client");
    if (streams.size > 0) return;
    clearInterval(beats);
    beats = undefined;
  }

  /** Serves what is far behind by itself, a page after the other; the feed does the rest. */
  async function catchUp({ stream, viewer }: Open): Promise<void> {
    try {
      while (stream.isOpen() && (await readPage(viewer))) await stream.taken();
    } catch (error) {
      onError(error);
    }
    if (stream.isOpen()) feed.join(viewer);
  }

  /** Whether more may follow. */
  async function readPage(viewer: Viewer): Promise<boolean> {
    const position = viewer.position();
    if (position === null) return false;
    const { isKnown, changes } = await reads.run((sql) => readChanges(sql, position, CHANGES_AT_ONCE));
    if (!isKnown) {
      viewer.reset(await findBegin(options), "changes since this id are no longer known");
      return false;
    }
    const described = await describeChanges(options, changes, new Set(viewer.filter.kinds));
    viewer.deliver(described);
    return changes.length === CHANGES_AT_ONCE || described.length < changes.length;
  }

  function beat(): void {
    for (const opened of streams) {
      opened.stuckBeats = opened.stream.isStuck() ? opened.stuckBeats + 1 : 0;
      if (opened.stuckBeats === STUCK_BEATS_MAX) opened.stream.end("slow");
      else if (opened.stream.isIdle()) opened.viewer.beat();
      void requireAllowed(opened);
    }
  }

  async function requireAllowed({ stream, isAllowed }: Open): Promise<void> {
    if (!(await isAllowed())) stream.end("key");
  }

  return {
    open,
    wake: feed.wake,
    close: () => {
      for (const { stream } of streams) stream.end("draining");
    },
  };
}
