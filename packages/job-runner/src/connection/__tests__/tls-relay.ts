import { readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { TLSSocket } from "node:tls";

const CERTIFICATES = join(import.meta.dir, "certificates");
const TLS_REQUEST_CODE = 80_877_103;

/** Of the authority that signed the relay's certificate, which is for the name localhost alone. */
export const AUTHORITY_FILE = join(CERTIFICATES, "authority.crt");

export type TlsRelay = {
  port: number;
  /** Connections that spoke TLS, and those that did not. */
  readonly counts: { secured: number; plain: number };
  close(): Promise<void>;
};

/** A server before the given Postgres that speaks TLS, or that refuses to, as a Postgres without it does. */
export async function startTlsRelay(
  target: { host: string; port: number },
  offersTls: boolean,
): Promise<TlsRelay> {
  const counts = { secured: 0, plain: 0 };
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on("error", () => client.destroy());
    client.once("data", (first: Buffer) => {
      if (first.readInt32BE(4) !== TLS_REQUEST_CODE) {
        counts.plain++;
        forward(client, target, first);
      } else if (offersTls) {
        client.write("S");
        counts.secured++;
        forward(new TLSSocket(client, { isServer: true, ...certificate() }), target);
      } else {
        client.write("N");
        client.once("data", (next: Buffer) => {
          counts.plain++;
          forward(client, target, next);
        });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    counts,
    close: () => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function certificate() {
  return {
    cert: readFileSync(join(CERTIFICATES, "server.crt")),
    key: readFileSync(join(CERTIFICATES, "server.key")),
  };
}

function forward(client: Socket, target: { host: string; port: number }, first?: Uint8Array): void {
  const upstream = connect(target.port, target.host);
  for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
  if (first !== undefined) upstream.write(first);
  client.pipe(upstream).pipe(client);
}
