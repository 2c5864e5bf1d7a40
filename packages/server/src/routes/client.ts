import { type Bundle, buildBundle, installScript } from "@wharf/client/served";
import { clientVersionSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { builtOnce } from "../built-once.ts";
import { operation } from "../http/operation.ts";
import { publicOrigin } from "../http/public-origin.ts";
import type { AppEnv } from "../http/request-context.ts";

const tag = "Client";
const SCRIPT = "text/x-shellscript";
const PROGRAM = "text/javascript";

const install = operation({
  scopes: [],
  tag,
  summary: "Shell script that installs the client of this server",
  description:
    "`curl -fsS URL/install.sh | sh -s -- CODE` installs the `wharf` command for one user and enrols the device.",
  responses: { 200: { contentType: SCRIPT } },
  example: { status: 200 },
});

const program = operation({
  scopes: [],
  tag,
  summary: "The client as one file, for Bun and for Node 20 or newer",
  responses: { 200: { contentType: PROGRAM } },
  example: { status: 200 },
});

const version = operation({
  scopes: [],
  tag,
  summary: "Version and SHA-256 of the client",
  responses: { 200: clientVersionSchema },
  example: { status: 200 },
});

/** /install.sh, /client/wharf.js and /client/version. The bundle is built for the first request, and kept. */
export function clientRoutes(build: () => Promise<Bundle> = buildBundle): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const bundle = builtOnce(build);

  routes.get("/install.sh", install, async function getInstallScript(c) {
    const { sha256 } = await bundle();
    const script = installScript({ url: publicOrigin(c), sha256 });
    return c.body(script, 200, { "content-type": `${SCRIPT}; charset=utf-8` });
  });

  routes.get("/client/wharf.js", program, async function getProgram(c) {
    const { text, sha256 } = await bundle();
    return c.body(text, 200, { "content-type": `${PROGRAM}; charset=utf-8`, etag: `"${sha256}"` });
  });

  routes.get("/client/version", version, async function getVersion(c) {
    const { version, sha256, text } = await bundle();
    return c.json({ version, sha256, bytes: Buffer.byteLength(text) });
  });

  return routes;
}
