import { createHash } from "node:crypto";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };

export type Bundle = { version: string; text: string; sha256: string };

const ENTRY = join(import.meta.dir, "../cli/main.ts");

/**
 * The `wharf` command as one file for Bun and Node 20 or newer. CommonJS, because Node 20 takes a .js file without a package.json for
 * that. Requires Bun. Throws an AggregateError when it cannot be built.
 */
export async function buildBundle(): Promise<Bundle> {
  const { outputs } = await Bun.build({
    entrypoints: [ENTRY],
    target: "node",
    format: "cjs",
    minify: { whitespace: true, syntax: true },
    banner: "#!/usr/bin/env node",
    // A development server must not bundle its own NODE_ENV.
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const [output] = outputs;
  if (output === undefined) throw new Error("The bundle of the client is empty.");
  const text = await output.text();
  return { version: manifest.version, text, sha256: createHash("sha256").update(text).digest("hex") };
}
