import { mkdir, writeFile } from "node:fs/promises";
import { HubError } from "../sdk/hub-error.ts";
import type { NamedTranscript } from "../spool/convert-hook.ts";
import { readIfThere, removeDrafts, removeFile } from "../spool/files.ts";
import { type FillOptions, fillOutbox } from "../spool/fill-outbox.ts";
import { listSpool } from "../spool/list-spool.ts";
import { describeProblem, isOfMachine } from "../spool/machine-problem.ts";
import { markFull } from "../spool/spool-size.ts";
import type { Tails } from "../transcripts/tails.ts";
import { type Backoff, createBackoff } from "./backoff.ts";
import { createBatchWaits } from "./batch-waits.ts";
import { listOutbox, type SendOptions, type Sent, sendOutbox } from "./send-outbox.ts";
import { noteAcknowledged, readSenderState, writeSenderState } from "./sender-state.ts";
import { type SenderLock, takeLock } from "./take-lock.ts";
import { createWake, type Wake, watchDirectory } from "./wake.ts";

export type SenderOptions = FillOptions &
  SendOptions & {
    createTails: (onChange: () => void) => Tails;
    /** Sessions that are live already, such as after a restart. */
    findLive?: () => Promise<NamedTranscript[]>;
    /** Sends the facts of this machine when they are due. */
    report?: () => Promise<unknown>;
    signal: AbortSignal;
    /** It ends this long after the last change; Infinity: it stays. */
    quietMs?: number;
    spoolBytesMax?: number;
    lookMs?: number;
  };

const QUIET_MS = 120_000;
const LOOK_MS = 1_000;
const NOTHING_SENT: Sent = { accepted: 0, duplicates: 0, rejected: 0, problem: null };
/** What the hub does not take is kept; the next hook starts a sender again. */
const UNSENT_MS = 24 * 60 * 60_000;

/** Sends events and transcripts until nothing changes any more. `other`: a sender runs already. */
export async function runSender(options: SenderOptions): Promise<"done" | "other"> {
  const { paths } = options;
  await mkdir(paths.spool, { recursive: true, mode: 0o700 });
  const lock = await takeLock(paths.socket);
  if (lock === null) return "other";
  try {
    await removeDrafts([paths.data, paths.outbox, paths.rejected, paths.transcripts]);
    await new Sender(options, lock).run();
  } finally {
    await lock.release();
  }
  return "done";
}

class Sender {
  readonly #options: SenderOptions;
  readonly #lock: SenderLock;
  readonly #now: () => number;
  readonly #ended = new AbortController();
  #changed_ms: number;

  constructor(options: SenderOptions, lock: SenderLock) {
    this.#options = options;
    this.#lock = lock;
    this.#now = options.now ?? Date.now;
    this.#changed_ms = this.#now();
    options.signal.addEventListener("abort", () => this.#ended.abort(), { once: true });
    if (options.signal.aborted) this.#ended.abort();
  }

  /** Two loops: the first part of a long transcript must not hold up events. */
  async run(): Promise<void> {
    const { paths, createTails, findLive } = this.#options;
    const [events, files] = [createWake(this.#ended.signal), createWake(this.#ended.signal)];
    const tails = createTails(files.now);
    const watcher = watchDirectory(paths.spool, events.now);
    try {
      for (const transcript of (await findLive?.()) ?? []) tails.follow(transcript);
      await Promise.all([this.#sendEvents(events, tails, files), this.#sendFiles(files, tails)]);
    } finally {
      this.#ended.abort();
      watcher?.close();
      tails.close();
      if (await this.#hasOwnPid()) await removeFile(paths.pid);
    }
  }

  async #hasOwnPid(): Promise<boolean> {
    return Number((await readIfThere(this.#options.paths.pid))?.toString("utf8")) === process.pid;
  }

  /** Another sender that started at the same time may have left, or removed, its own. */
  async #leavePid(): Promise<void> {
    if (!(await this.#hasOwnPid())) await writeFile(this.#options.paths.pid, `${process.pid}\n`);
  }

  async #sendEvents(wake: Wake, tails: Tails, files: Wake): Promise<void> {
    const onTranscript = (transcript: NamedTranscript) => {
      tails.follow(transcript);
      files.now();
    };
    const { paths, spoolBytesMax } = this.#options;
    const [filling, sending] = [createBackoff({ now: this.#now }), createBackoff({ now: this.#now })];
    let isFirst = true;
    const waits = createBatchWaits({ now: this.#now });
    while (!this.#ended.signal.aborted) {
      await this.#attempt(filling, async () => {
        await this.#leavePid();
        const filled = await fillOutbox({ ...this.#options, onTranscript });
        if (filled > 0) this.#changed_ms = this.#now();
        if (filled > 0 || isFirst) await markFull(paths, spoolBytesMax);
        isFirst = false;
      });
      await this.#attempt(sending, async () => {
        const sent = await sendOutbox({ ...this.#options, waits });
        if (await this.#noteSent(sent)) await markFull(paths, spoolBytesMax);
      });
      await this.#attempt(filling, () => this.#endWhenQuiet());
      await wake.wait(this.#options.lookMs ?? LOOK_MS);
    }
  }

  async #sendFiles(wake: Wake, tails: Tails): Promise<void> {
    const backoff = createBackoff({ now: this.#now });
    while (!this.#ended.signal.aborted) {
      await this.#attempt(backoff, async () => {
        await this.#noteSent({ ...NOTHING_SENT, accepted: await tails.send() });
      });
      // A failed report must not stop the sending, and `wharf status` does not show it.
      await this.#options.report?.().catch(() => undefined);
      await wake.wait(this.#options.lookMs ?? LOOK_MS);
    }
  }

  /** A failure of the hub or of this machine is noted, and the next attempts wait. */
  async #attempt(backoff: Backoff, act: () => Promise<void>): Promise<void> {
    if (backoff.waitMs() > 0) return;
    try {
      await act();
      backoff.succeeded();
    } catch (error) {
      if (!(error instanceof HubError) && !isOfMachine(error)) throw error;
      // A full disk does not take the note, either; `wharf queue status` looks by itself.
      await this.#note(error, false).catch(() => undefined);
      backoff.failed(error);
    }
  }

  /** Answers whether anything was sent. */
  async #noteSent({ accepted, duplicates, rejected, problem }: Sent): Promise<boolean> {
    const isSent = accepted + duplicates + rejected > 0;
    if (isSent) this.#changed_ms = this.#now();
    if (problem !== null) await this.#note(problem, isSent);
    else if (isSent) await noteAcknowledged(this.#options.paths.state, this.#time());
    return isSent;
  }

  async #note(error: HubError | NodeJS.ErrnoException, isSent: boolean): Promise<void> {
    const { state } = this.#options.paths;
    const status = error instanceof HubError ? error.status : null;
    const message = error instanceof HubError ? error.message : describeProblem(error);
    const before = await readSenderState(state);
    const last_acknowledged_at = isSent ? this.#time() : before.last_acknowledged_at;
    await writeSenderState(state, { last_acknowledged_at, problem: { at: this.#time(), status, message } });
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }

  /**
   * A hook writes its file before it looks for our process number: after its removal, a file that is not in the spool yet belongs to a
   * hook that will start another sender.
   */
  async #endWhenQuiet(): Promise<void> {
    const { paths, quietMs = QUIET_MS } = this.#options;
    if (!(await this.#lock.isHeld())) return this.#ended.abort();
    const quiet_ms = this.#now() - this.#changed_ms;
    if (quiet_ms < quietMs) return;
    if ((await listOutbox(paths.outbox)).length > 0 && quiet_ms < UNSENT_MS) return;
    await removeFile(paths.pid);
    const { waiting, unfinished } = await listSpool(paths.spool);
    if (waiting.length + unfinished.length === 0) this.#ended.abort();
  }
}
