/** Lines beyond this are dropped when the output has no reader. */
export const LOG_WAITING_CHARACTERS_MAX = 4 * 1024 * 1024;

/** The part of process.stdout that the log needs. */
export type LogStream = {
  write(text: string, done: (error?: Error | null) => void): unknown;
  on(event: "error", listener: () => void): unknown;
};

export type LogOutput = {
  /** Never blocks and never throws: what the stream does not take is kept up to the bound, then dropped. */
  write(line: string): void;
  /** Calls `done` when nothing waits any more; pino's `flush` ends here. */
  flush(done: () => void): void;
  linesDropped(): number;
};

/**
 * A bounded, asynchronous destination for log lines. Bun writes to pipes, sockets and files at once where they take it and
 * keeps the rest until they do, without a thread; pino's own destination (sonic-boom) blocks the process in `write` when it is
 * synchronous, and one of the two threads that also decompress bodies when it is not.
 */
export function createLogOutput(stream: LogStream): LogOutput {
  let waiting_characters = 0;
  let dropped = 0;
  let reported = 0;
  let flushing: (() => void)[] = [];
  // A closed reader (EPIPE), a closed terminal (EIO), a full disk: each lost line is counted by its callback.
  stream.on("error", () => undefined);

  function write(line: string): void {
    if (waiting_characters + line.length > LOG_WAITING_CHARACTERS_MAX) {
      dropped += 1;
      return;
    }
    if (dropped > reported) reportDropped();
    send(line, 1);
  }

  function reportDropped(): void {
    const lines = dropped - reported;
    reported = dropped;
    const line = {
      level: 40,
      time: new Date().toISOString(),
      lines,
      msg: "log lines were dropped: standard output did not accept them",
    };
    send(`${JSON.stringify(line)}\n`, 0);
  }

  function send(text: string, lines: number): void {
    waiting_characters += text.length;
    stream.write(text, (error) => {
      waiting_characters -= text.length;
      if (error) dropped += lines;
      if (waiting_characters > 0) return;
      const waiters = flushing;
      flushing = [];
      for (const done of waiters) done();
    });
  }

  function flush(done: () => void): void {
    if (waiting_characters === 0) done();
    else flushing.push(done);
  }

  return { write, flush, linesDropped: () => dropped };
}
