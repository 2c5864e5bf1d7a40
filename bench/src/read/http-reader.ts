/** One keep-alive connection on which one GET at a time is sent, ready-made: a fetch would cost more than some answers do. */
export type HttpReader = {
  /** Milliseconds from the request's first byte to the answer's last. Throws where the answer is not 200. */
  time(path: string): Promise<number>;
  close(): void;
};

type AnswerEnd = { isReached(next: Buffer): boolean };
type Waiting = { startedAt: number; resolve(ms: number): void; reject(error: Error): void };

const HEAD_END = "\r\n\r\n";
/** Of a body in chunks; JSON has no such characters within. */
const LAST_CHUNK = "\r\n0\r\n\r\n";

export async function openReader(port: number, key: string): Promise<HttpReader> {
  let waiting: Waiting | null = null;
  let head = "";
  let end: AnswerEnd | null = null;

  function fail(message: string): void {
    waiting?.reject(new Error(message));
    waiting = null;
  }

  function receive(chunk: Buffer): void {
    if (end === null) {
      head += chunk.toString("latin1");
      const headLength = head.indexOf(HEAD_END) + HEAD_END.length;
      if (headLength < HEAD_END.length) return;
      if (!head.startsWith("HTTP/1.1 200")) fail(`the answer was ${head.slice(0, 300)}`);
      end = endOf(head.slice(0, headLength));
      if (!end.isReached(Buffer.from(head.slice(headLength), "latin1"))) return;
    } else if (!end.isReached(chunk)) return;
    finish();
  }

  function finish(): void {
    const answered = waiting;
    waiting = null;
    head = "";
    end = null;
    answered?.resolve(performance.now() - answered.startedAt);
  }

  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_socket, chunk) => receive(chunk),
      error: (_socket, error) => fail(error.message),
      close: () => fail("the server closed the connection"),
    },
  });

  return {
    time: (path) =>
      new Promise((resolve, reject) => {
        waiting = { startedAt: performance.now(), resolve, reject };
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n\r\n`);
      }),
    close: () => socket.end(),
  };
}

/** How to tell, from one piece of the body after the other, that the whole answer is there. */
function endOf(head: string): AnswerEnd {
  const length = /content-length: (\d+)/i.exec(head)?.[1];
  if (length === undefined) return lastChunk();
  let missing = Number(length);
  return {
    isReached(next) {
      missing -= next.byteLength;
      return missing <= 0;
    },
  };
}

function lastChunk(): AnswerEnd {
  let tail = "";
  return {
    isReached(next) {
      tail = (tail + next.subarray(-LAST_CHUNK.length).toString("latin1")).slice(-LAST_CHUNK.length);
      return tail === LAST_CHUNK;
    },
  };
}
