import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { operations } from "../../openapi/__tests__/described-routes.ts";

const server = setupApp();
const get = () => server.request("GET", "/docs", undefined, { authorization: "" });

test("the reference is a page that shows every route and every schema, and needs no key", async () => {
  const { status, body, headers } = await get();
  expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
  for (const name of Object.keys(operations)) {
    const [method = "", path = ""] = name.split(" ");
    expect(body).toContain(`${method} ${path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")}</a>`);
  }
  const document = await server.request("GET", "/api/openapi.json");
  for (const name of Object.keys(document.body.components.schemas))
    expect(body).toContain(`id="schema-${name}"`);
});

test("every link of the reference leads to a place on it, and nothing is loaded from elsewhere", async () => {
  const { body } = await get();
  const targets = [...body.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, target]: string[]) => target ?? "");
  expect(targets.length).toBeGreaterThan(Object.keys(operations).length);
  for (const target of targets) {
    if (target === "/api/openapi.json") continue;
    expect([target, body.includes(`id="${target.slice(1)}"`)]).toEqual([target, true]);
  }
  expect(body).not.toMatch(/<script|https?:\/\/(?!localhost)[^<]*\.(?:js|css)/);
});

test("its policy allows its own style and nothing else", async () => {
  const { body, headers } = await get();
  const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? "";
  const digest = new Bun.CryptoHasher("sha256").update(style).digest("base64");
  expect(headers.get("content-security-policy")).toBe(
    `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  expect(body).not.toContain(" style=");
});

test("code in a description is shown as code, and what looks like a tag in it as text", async () => {
  const { body } = await get();
  expect(body).toContain("<code>Authorization: Bearer &lt;key&gt;</code>");
  // The values of examples are shown as they are sent.
  expect(body.replaceAll(/<pre[\s\S]*?<\/pre>/g, "")).not.toContain("`");
});
