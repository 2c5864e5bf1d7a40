import { afterAll, afterEach, beforeAll } from "bun:test";
import { createTcpProxy, type TcpProxy } from "@wharf/testkit";
import { setupApp } from "../../../server/src/__tests__/setup-app.ts";
import { type ClientOptions, createClient } from "../sdk/create-client.ts";

/** What becomes of a request; null: it reaches the hub, and the response its sender. */
export type Fault = Response | "request lost" | "response lost" | "too late" | null;

/** The whole server at a port, where requests can fail first. Call it once at the top of a test file. */
export function setupFaultyHub() {
  const server = setupApp();
  const state: { fault: (path: string, n: number) => Fault; requests: string[] } = {
    fault: () => null,
    requests: [],
  };
  let listening: ReturnType<typeof Bun.serve> | undefined;
  /** Keeps the port while the hub is stopped: another program could take it otherwise. */
  let proxy: TcpProxy | undefined;

  beforeAll(async () => {
    const host = "127.0.0.1";
    const error = () => new Response(null, { status: 500 });
    listening = Bun.serve({ port: 0, hostname: host, fetch: answer, error });
    proxy = await createTcpProxy({ host, port: listening.port ?? 0 });
  });
  afterEach(() => {
    state.fault = () => null;
    state.requests = [];
  });
  afterAll(async () => {
    await proxy?.close();
    await listening?.stop(true);
  });

  async function answer(request: Request, ports: NonNullable<typeof listening>): Promise<Response> {
    const { pathname } = new URL(request.url);
    state.requests.push(pathname);
    const fault = state.fault(pathname, state.requests.length);
    if (fault instanceof Response) return fault;
    if (fault === "request lost") return cut();
    const response = await server.current().app.fetch(request, ports);
    if (fault === "too late")
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve, { once: true }));
    return fault === null ? response : cut();
  }

  const url = () => `http://127.0.0.1:${proxy?.port}`;
  return {
    server,
    state,
    client: (options: Pick<ClientOptions, "timeoutMs"> = {}) =>
      createClient({ url: url(), key: server.key, ...options }),
    /** Connections are reset until the result is called. */
    stop(): () => void {
      proxy?.refuse();
      proxy?.cut();
      return () => proxy?.accept();
    },
    get url() {
      return url();
    },
  };
}

/** The response ends before it is complete. */
function cut(): Response {
  return new Response('{"ingested":', { headers: { "content-type": "application/json" } });
}

export function problem(status: number, headers: Record<string, string> = {}): Response {
  const body = { code: "FAULT", detail: "The test wants it.", status, title: "Fault", type: "about:blank" };
  return Response.json(body, { status, headers });
}
