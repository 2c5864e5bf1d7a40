import { type ReadonlySignal, signal } from "@preact/signals";
import type { TranscriptDensity, TranscriptMessage, TranscriptPage } from "@wharf/protocol";
import { hub } from "../../app/hub.ts";

/** Messages of a request: few enough that a page appears at once and is laid out within a frame. */
const PAGE_MESSAGES = 30;
/** A browser lays out and paints what is in sight, but passes all pages in each frame: with 500 of them, 40 ms. One without scroll anchoring would move when a page above is left out. */
const PAGES_MAX = CSS.supports("overflow-anchor", "auto") ? 60 : Number.POSITIVE_INFINITY;
/** Read again around the last message when the session changed: half of them are known. */
const END_MESSAGES = 100;

export type Scope = { sessionId: string; subagentId: string | null; density: TranscriptDensity };

type Query = { around?: string; cursor?: string; limit?: number };

/** The pages of a transcript around a place. They grow in both directions, and leave out what is far from it. */
export type Transcript = {
  scope: Scope;
  /** Neighbouring pages; null until the first one is there. */
  pages: ReadonlySignal<readonly TranscriptPage[] | null>;
  /** The page that `open` read last. */
  opened: ReadonlySignal<TranscriptPage | null>;
  error: ReadonlySignal<Error | null>;
  /** Messages that arrived at the end and are not shown. */
  waiting: ReadonlySignal<number>;
  /** Reads the page around a message, or the first one. */
  open(around: string | null): Promise<void>;
  /** Whether its pages hold a message; null: whether they are those of its scope, and not of a subagent. */
  has(messageId: string | null): boolean;
  loadBefore(): Promise<void>;
  loadBehind(): Promise<void>;
  /** Reads what was added at the end: it is shown at once, or waits for `showWaiting`. */
  readEnd(isShown: boolean): Promise<void>;
  showWaiting(): void;
  close(): void;
};

export function createTranscript(scope: Scope): Transcript {
  const pages = signal<readonly TranscriptPage[] | null>(null);
  const opened = signal<TranscriptPage | null>(null);
  const error = signal<Error | null>(null);
  const waiting = signal(0);
  // A message may be one of a subagent: then the pages are those of that subagent.
  let { subagentId } = scope;
  let ends: readonly TranscriptPage[] | null = null;
  let isEndShown = false;
  let reading = new AbortController();
  const turns = createTurns();

  async function read(query: Query, use: (page: TranscriptPage) => void, of = subagentId) {
    const abort = new AbortController();
    reading = abort;
    try {
      const page = await pageOf(scope, of, query);
      if (abort.signal.aborted) return;
      error.value = null;
      use(page);
    } catch (reason) {
      if (!abort.signal.aborted) error.value = reason instanceof Error ? reason : new Error(String(reason));
    }
  }

  function close(): void {
    reading.abort();
    turns.clear();
  }

  async function open(around: string | null): Promise<void> {
    close();
    const show = (page: TranscriptPage) => {
      subagentId = page.subagent_id;
      pages.value = [page];
      opened.value = page;
    };
    await turns.add(() => read(around === null ? {} : { around }, show, scope.subagentId));
  }

  async function readBefore(): Promise<void> {
    const cursor = pages.value?.[0]?.prev_cursor;
    if (!cursor) return;
    await read({ cursor }, (page) => {
      pages.value = [page, ...(pages.value ?? [])].slice(0, PAGES_MAX);
    });
  }

  async function readBehind(): Promise<void> {
    const cursor = pages.value?.at(-1)?.next_cursor;
    if (!cursor) return;
    await read({ cursor }, (page) => {
      pages.value = [...(pages.value ?? []), page].slice(-PAGES_MAX);
    });
  }

  async function readNewEnd(): Promise<void> {
    const end = pages.value?.at(-1);
    if (end === undefined) return;
    const last = end.messages.at(-1);
    // What is behind the window is read when one comes there.
    if (end.next_cursor !== null) return;
    const query = last === undefined ? {} : { around: last.id, limit: END_MESSAGES };
    await read(query, (page) => {
      const known = new Set(pages.value?.flatMap(({ messages }) => messages.map(({ id }) => id)));
      ends = withEnd(pages.value ?? [], page);
      waiting.value = page.messages.filter(({ id }) => !known.has(id)).length;
      if (isEndShown || waiting.value === 0) showWaiting();
    });
  }

  async function readEnd(isShown: boolean): Promise<void> {
    isEndShown = isShown;
    await (pages.value === null ? open(null) : turns.add(readNewEnd));
  }

  function showWaiting(): void {
    if (ends !== null) pages.value = ends;
    ends = null;
    waiting.value = 0;
  }

  const has = (messageId: string | null) =>
    pages.value !== null &&
    (messageId === null
      ? subagentId === scope.subagentId
      : pages.value.some(({ messages }) => hasMessage(messages, messageId)));
  const loads = { loadBefore: () => turns.add(readBefore), loadBehind: () => turns.add(readBehind) };
  return { scope, pages, opened, error, waiting, has, open, ...loads, readEnd, showWaiting, close };
}

async function pageOf(
  { sessionId, density }: Scope,
  subagentId: string | null,
  query: Query,
): Promise<TranscriptPage> {
  const place = subagentId === null ? {} : { subagent_id: subagentId };
  return await hub.transcripts.messages(sessionId, { density, limit: PAGE_MESSAGES, ...place, ...query });
}

/** One read at a time: a second request for the same end of the window would add its page twice. */
function createTurns() {
  let last = Promise.resolve();
  const queued = new Set<() => Promise<void>>();
  return {
    /** Resolves when the work is done. What is queued is not queued a second time. */
    async add(work: () => Promise<void>): Promise<void> {
      if (!queued.has(work)) {
        queued.add(work);
        last = last.then(async () => {
          if (queued.delete(work)) await work();
        });
      }
      await last;
    },
    clear: () => queued.clear(),
  };
}

/** The pages with their end replaced by a page that overlaps it: calls that ran have a result, and an answer may not be the last one any more. */
function withEnd(pages: readonly TranscriptPage[], end: TranscriptPage): TranscriptPage[] {
  const first = end.messages.find(({ id }) => pages.some(({ messages }) => hasMessage(messages, id)));
  if (first === undefined) return pages.length === 0 ? [end] : [...pages, end];
  const at = pages.findIndex(({ messages }) => hasMessage(messages, first.id));
  const page = pages[at];
  if (page === undefined) return [...pages];
  const before = page.messages.slice(
    0,
    page.messages.findIndex(({ id }) => id === first.id),
  );
  const messages = [...before, ...end.messages.slice(end.messages.indexOf(first))];
  return [...pages.slice(0, at), { ...end, prev_cursor: page.prev_cursor, messages }];
}

function hasMessage(messages: readonly TranscriptMessage[], id: string): boolean {
  return messages.some((message) => message.id === id);
}
