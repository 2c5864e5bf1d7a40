import { afterAll, afterEach, beforeAll } from "bun:test";
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

  function listen(port: number): void {
    listening = Bun.serve({
      port,
      hostname: "127.0.0.1",
      fetch: answer,
      error: () => new Response(null, { status: 500 }),
    });
  }

  beforeAll(() => listen(0));
  afterEach(() => {
    state.fault = () => null;
    state.requests = [];
  });
  afterAll(async () => {
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

  return {
    server,
    state,
    client: (options: Pick<ClientOptions, "timeoutMs"> = {}) =>
      createClient({ url: `http://127.0.0.1:${listening?.port}`, key: server.key, ...options }),
    /** Nothing listens at the port until the result is called. */
    async stop(): Promise<() => void> {
      const port = listening?.port ?? 0;
      await listening?.stop(true);
      return () => listen(port);
    },
    get url() {
      return `http://127.0.0.1:${listening?.port}`;
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
