import { afterEach, beforeEach, expect, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createTcpProxy, type TcpProxy } from "../tcp-proxy.ts";
import { until } from "../until.ts";

let echo: Server;
let proxy: TcpProxy;
const clients: Client[] = [];

type Client = { socket: Socket; received: string; closed: boolean };

beforeEach(async () => {
  echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const address = echo.address();
  if (address === null || typeof address === "string") throw new Error("The echo server listens on no port.");
  proxy = await createTcpProxy({ host: "127.0.0.1", port: address.port });
});

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

function open(): Client {
  const client: Client = { socket: connect(proxy.port, "127.0.0.1"), received: "", closed: false };
  client.socket.on("data", (data) => {
    client.received += data;
  });
  client.socket.on("error", () => {});
  client.socket.on("close", () => {
    client.closed = true;
  });
  clients.push(client);
  return client;
}

async function exchange(client: Client, text: string): Promise<void> {
  client.socket.write(text);
  await until(() => client.received.endsWith(text), { describe: `the echo of ${text}` });
}

test("bytes go both ways, and connections are counted", async () => {
  await exchange(open(), "one");
  await exchange(open(), "two");
  expect(proxy.connections).toBe(2);
});

test("a pause holds what comes, for new connections too, and a resume lets it through", async () => {
  const old = open();
  await exchange(old, "before");
  proxy.pause();
  const late = open();
  late.socket.write("late");
  old.socket.write("held");
  await until(() => proxy.connections === 2);
  await expect(until(() => late.received || old.received !== "before", { deadlineMs: 100 })).rejects.toThrow(
    "Timed out",
  );
  proxy.resume();
  await until(() => late.received === "late" && old.received === "beforeheld");
});

test("what was open before a swallow leads nowhere, and new connections are served", async () => {
  const old = open();
  await exchange(old, "before");
  proxy.swallow();
  old.socket.write("lost");
  await exchange(open(), "new");
  expect(old.received).toBe("before");
});

test("a cut drops every connection, and new ones are taken", async () => {
  const client = open();
  await exchange(client, "one");
  proxy.cut();
  await until(() => client.closed);
  await exchange(open(), "two");
});

test("a refusal resets new connections and leaves the others, until it is taken back", async () => {
  const client = open();
  await exchange(client, "one");
  proxy.refuse();
  const refused = open();
  await until(() => refused.closed);
  await exchange(client, "still");
  proxy.accept();
  await exchange(open(), "two");
});

test("a server that goes away closes the client's connection", async () => {
  const client = open();
  await exchange(client, "one");
  proxy.pause();
  client.socket.destroy();
  await until(() => proxy.connections === 0);
});

test("a connection string keeps all but its address", () => {
  const url = proxy.url("postgres://user:p%40ss@db.example:5432/name?sslmode=disable");
  expect(url).toBe(`postgres://user:p%40ss@127.0.0.1:${proxy.port}/name?sslmode=disable`);
});
