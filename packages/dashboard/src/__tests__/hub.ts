import { afterAll, beforeAll } from "bun:test";
import { createClient } from "@wharf/client";
import { useTestDatabase } from "@wharf/testkit";
import {
  ADMIN_KEY,
  type ServerProgram,
  startServerProgram,
} from "../../../server/src/__tests__/server-program.ts";
import { type OpenOptions, setupBrowser } from "./browser.ts";

/** A hub with a database of its own, and Chromium, for the tests of the file that calls this at its top. */
export function setupHub(variables: Record<string, string> = {}) {
  const database = useTestDatabase();
  const browser = setupBrowser();
  let server: ServerProgram;
  let url = "";

  async function start(more: Record<string, string> = {}): Promise<void> {
    server = await startServerProgram(database.url, { ...variables, ...more });
    url = await server.url();
  }
  const stop = () => server[Symbol.asyncDispose]();
  beforeAll(() => start());
  afterAll(stop);

  return {
    database,
    stop,
    /** After `stop`, at the same address. */
    restart: () => start({ PORT: new URL(url).port }),
    url: () => url,
    client: (key: string | null = ADMIN_KEY) => createClient({ url, key }),
    /** A page in a browser that is signed in with the admin key, or with another; with an empty key it is not signed in. */
    open: (options: Partial<Omit<OpenOptions, "url">> = {}) =>
      browser.open({ url, key: ADMIN_KEY, ...options }),
  };
}
