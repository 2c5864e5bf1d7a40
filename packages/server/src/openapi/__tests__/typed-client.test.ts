import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import openapiTypescript, { astToString } from "openapi-typescript";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();

const COMPILER = fileURLToPath(new URL("bin/tsc", import.meta.resolve("typescript/package.json")));

/** What a client's author writes; each expected error would be one of its own if the types were loose. */
const CLIENT = `
import type { components, paths } from "./api.ts";
type Json<Responses, Status extends keyof Responses> =
  Responses[Status] extends { content: { "application/json": infer Body } } ? Body : never;

export type SessionPage = Json<paths["/api/sessions"]["get"]["responses"], 200>;
export function firstModel(page: SessionPage): string | null | undefined {
  return page.sessions[0]?.model;
}
export const isLast = (page: SessionPage): boolean => !page.has_more;
// @ts-expect-error has_more is no text
export const wrong = (page: SessionPage): string => page.has_more;

export type Query = NonNullable<paths["/api/sessions"]["get"]["parameters"]["query"]>;
export const query: Query = { lifecycle: ["ended"], limit: 10 };
// @ts-expect-error no such lifecycle
export const wrongQuery: Query = { lifecycle: ["asleep"] };

export type NewKey = paths["/api/keys"]["post"]["requestBody"]["content"]["application/json"];
export const newKey: NewKey = { scope: "ingest", device_id: "laptop" };
// @ts-expect-error scope is required
export const wrongKey: NewKey = { name: "laptop" };
export const sessionId = (session: components["schemas"]["Session"]): string => session.id;
`;

test("a typed client is generated from the document, and its types match the API", async () => {
  const { body } = await server.request("GET", "/api/openapi.json");
  const types = astToString(await openapiTypescript(body));
  const folder = await mkdtemp(join(tmpdir(), "wharf-client-"));
  try {
    await Bun.write(join(folder, "api.ts"), types);
    await Bun.write(join(folder, "client.ts"), CLIENT);
    const flags = ["--noEmit", "--strict", "--allowImportingTsExtensions", "--target", "es2022", "client.ts"];
    const compiler = Bun.spawn([process.execPath, COMPILER, ...flags], { cwd: folder, stdout: "pipe" });
    const complaints = await new Response(compiler.stdout).text();
    expect([await compiler.exited, complaints]).toEqual([0, ""]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
