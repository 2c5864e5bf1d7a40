import { connect, createServer, type Socket } from "node:net";

const HOST = "127.0.0.1";

export type TcpProxy = {
  port: number;
  /** the given connection string with the proxy's host and port in it */
  url(dsn: string): string;
  /** Becomes a black hole: connections stay open and new ones are accepted, and nothing is forwarded. */
  pause(): void;
  /** Forwards the buffered data, and continues. */
  resume(): void;
  /** Connections that are open now lead nowhere; new ones are served, as after a NAT that lost its state. */
  swallow(): void;
  /** Drops every connection. */
  cut(): void;
  /** Resets every connection, as a process that ends with unread data does. */
  reset(): void;
  /** Resets new connections as they come. */
  refuse(): void;
  accept(): void;
  close(): Promise<void>;
  readonly connections: number;
};

type Pair = { client: Socket; upstream: Socket };

/** A TCP proxy for tests of faults between a program and its database. */
export async function createTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const state = { paused: false, refusing: false };
  // allowHalfOpen is left off: either side's end closes both.
  const server = createServer((client) => {
    client.on("error", () => {});
    if (state.refusing) return void client.resetAndDestroy();
    const pair = join(client, connect(target.port, target.host));
    pairs.add(pair);
    pair.client.once("close", () => pairs.delete(pair));
    if (state.paused) hold(pair);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, resolve);
  });
  const port = portOf(server.address());
  const cut = () => {
    for (const pair of pairs) destroy(pair);
    pairs.clear();
  };
  return {
    port,
    url: (dsn) => withAddress(dsn, port),
    pause: () => {
      state.paused = true;
      for (const pair of pairs) hold(pair);
    },
    swallow: () => {
      for (const pair of pairs) hold(pair);
    },
    resume: () => {
      state.paused = false;
      for (const pair of pairs) forward(pair);
    },
    cut,
    reset: () => {
      for (const { client } of pairs) client.resetAndDestroy();
    },
    refuse: () => {
      state.refusing = true;
    },
    accept: () => {
      state.refusing = false;
    },
    close: async () => {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    get connections() {
      return pairs.size;
    },
  };
}

function join(client: Socket, upstream: Socket): Pair {
  const pair = { client, upstream };
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    socket.on("error", () => destroy(pair));
    socket.once("close", () => destroy(pair));
  }
  forward(pair);
  return pair;
}

function forward({ client, upstream }: Pair): void {
  client.pipe(upstream);
  upstream.pipe(client);
}

function hold({ client, upstream }: Pair): void {
  client.unpipe(upstream).pause();
  upstream.unpipe(client).pause();
}

function destroy({ client, upstream }: Pair): void {
  client.destroy();
  upstream.destroy();
}

function withAddress(dsn: string, port: number): string {
  const url = new URL(dsn);
  url.hostname = HOST;
  url.port = `${port}`;
  return url.href;
}

function portOf(address: string | { port: number } | null): number {
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");
  return address.port;
}
