/** One keep-alive connection on which one GET at a time is sent, ready-made: a fetch would cost more than some answers do. */
export type HttpReader = {
  /** Milliseconds from the request's first byte to the answer's last. Throws where the answer is not 200. */
  time(path: string): Promise<number>;
  close(): void;
};

type Waiting = { startedAt: number; resolve(ms: number): void; reject(error: Error): void };

const HEAD_END = "\r\n\r\n";

export async function openReader(port: number, key: string): Promise<HttpReader> {
  let waiting: Waiting | null = null;
  let head = "";
  let missingBytes = 0;

  function fail(message: string): void {
    waiting?.reject(new Error(message));
    waiting = null;
  }

  function receive(chunk: Buffer): void {
    if (missingBytes > 0) missingBytes -= chunk.byteLength;
    else missingBytes = readHead(chunk);
    if (missingBytes !== 0 || waiting === null) return;
    const { startedAt, resolve } = waiting;
    waiting = null;
    head = "";
    resolve(performance.now() - startedAt);
  }

  /** How many bytes of the body are still to come; -1 while the head is incomplete. */
  function readHead(chunk: Buffer): number {
    head += chunk.toString("latin1");
    const end = head.indexOf(HEAD_END);
    if (end === -1) return -1;
    if (!head.startsWith("HTTP/1.1 200")) fail(`the answer was ${head.slice(0, 300)}`);
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) fail("the answer has no Content-Length");
    return Number(length) - (head.length - end - HEAD_END.length);
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
