/**
 * A load generator of little weight: requests are written ready-made onto keep-alive sockets, since a fetch costs more than
 * the server's whole part in a request. Usage: bun http-load.ts PORT KEY CONNECTIONS BODIES_FILE, where the file holds one
 * body a line. Prints one JSON line: { requests, seconds, p50_ms, p99_ms, failures }.
 */
import { percentile, rounded } from "./report.ts";

const [port = "", key = "", connections = "", bodiesFile = ""] = process.argv.slice(2);
const bodies = (await Bun.file(bodiesFile).text()).split("\n").filter((line) => line !== "");
const requests = bodies.map(toRequest);
const latencies_ms: number[] = [];
let next = 0;
let failures = 0;

const startedAt = performance.now();
await Promise.all(Array.from({ length: Number(connections) }, runConnection));
const seconds = (performance.now() - startedAt) / 1000;
process.stdout.write(
  `${JSON.stringify({ requests: requests.length, seconds, p50_ms: rounded(percentile(latencies_ms, 0.5)), p99_ms: rounded(percentile(latencies_ms, 0.99)), failures })}\n`,
);
process.exit(0);

function toRequest(body: string): Buffer {
  const length = Buffer.byteLength(body);
  return Buffer.from(
    `POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`,
  );
}

/** One connection: sends, waits for the whole answer, sends the next. */
function runConnection(): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = "";
    let sentAt = 0;
    let unsent: Buffer | null = null;
    type Socket = { write(data: Buffer): number; end(): void };

    function send(socket: Socket): void {
      const request = requests[next++];
      if (request === undefined) {
        socket.end();
        resolve();
        return;
      }
      received = "";
      sentAt = performance.now();
      write(socket, request);
    }

    function write(socket: Socket, bytes: Buffer): void {
      const written = socket.write(bytes);
      unsent = written < bytes.length ? bytes.subarray(written) : null;
    }

    Bun.connect({
      hostname: "127.0.0.1",
      port: Number(port),
      socket: {
        open: send,
        drain: (socket) => {
          if (unsent !== null) write(socket, unsent);
        },
        data: (socket, chunk) => {
          received += chunk.toString("latin1");
          if (!isWhole(received)) return;
          latencies_ms.push(performance.now() - sentAt);
          if (!received.startsWith("HTTP/1.1 202")) failures += 1;
          send(socket);
        },
        error: (_socket, error) => reject(error),
        close: () => resolve(),
      },
    }).catch(reject);
  });
}

function isWhole(response: string): boolean {
  const headEnd = response.indexOf("\r\n\r\n");
  if (headEnd === -1) return false;
  const length = /content-length: (\d+)/i.exec(response.slice(0, headEnd))?.[1];
  return length !== undefined && response.length >= headEnd + 4 + Number(length);
}
