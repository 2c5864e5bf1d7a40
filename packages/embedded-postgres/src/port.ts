export const HOST = "127.0.0.1";

// The SSLRequest message: its length, and the number that stands for "do you speak TLS?". Postgres answers S or N.
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const ANSWER_DEADLINE_MS = 3_000;

/** A loopback port that was free a moment ago. */
export function findFreePort(): number {
  const listener = Bun.listen({ hostname: HOST, port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** Whether a Postgres answers there; a frozen one is connected to by the kernel, and says nothing. */
export async function answersOnPort(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ANSWER_DEADLINE_MS);
  const connecting = Bun.connect({
    hostname: HOST,
    port,
    socket: {
      open: (socket) => {
        socket.write(SSL_REQUEST);
      },
      data: (_socket, data) => resolve(data[0] === "N".charCodeAt(0) || data[0] === "S".charCodeAt(0)),
      close: () => resolve(false),
      error: () => resolve(false),
    },
  });
  connecting.catch(() => resolve(false));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    connecting.then((socket) => socket.terminate()).catch(() => undefined);
  }
}
