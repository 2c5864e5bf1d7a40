/**
 * The program of `bun run pack:job-runner [FOLDER]`: creates the tarball of this package in FOLDER (default: dist). It contains the
 * sources, which Bun runs unchanged, declaration files for TypeScript, the README and the license.
 */
import { cp, mkdir, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Glob } from "bun";
import manifest from "../package.json";

const PACKAGE = resolve(import.meta.dir, "..");
const ROOT = resolve(PACKAGE, "../..");
/** Files that users of the package never load. */
const INTERNAL = /(?:^|\/)(?:__tests__|conformance)\//;

const target = resolve(process.argv[2] ?? join(PACKAGE, "dist"));
const staging = join(target, "package");
await rm(staging, { recursive: true, force: true });
await mkdir(staging, { recursive: true });
await copySources();
await emitDeclarations();
await cp(join(PACKAGE, "README.md"), join(staging, "README.md"));
await cp(join(ROOT, "LICENSE"), join(staging, "LICENSE"));
await Bun.write(join(staging, "package.json"), `${JSON.stringify(publishedManifest(), null, 2)}\n`);
await run([process.execPath, "pm", "pack", "--quiet", "--destination", target], staging);

async function copySources(): Promise<void> {
  const files = new Glob("src/**/*.{ts,sql}").scan(PACKAGE);
  for await (const file of files)
    if (!INTERNAL.test(file)) await cp(join(PACKAGE, file), join(staging, file));
}

async function emitDeclarations(): Promise<void> {
  const config = join(staging, "tsconfig.json");
  const sources = join(PACKAGE, "src");
  await Bun.write(
    config,
    JSON.stringify({
      extends: relative(staging, join(ROOT, "tsconfig.json")),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rewriteRelativeImportExtensions: true,
        rootDir: sources,
        outDir: "types",
        typeRoots: [join(ROOT, "node_modules")],
      },
      include: [],
      files: Object.values(manifest.exports).map((file) => join(PACKAGE, file)),
    }),
  );
  await run([join(ROOT, "node_modules/.bin/tsc"), "-p", config], PACKAGE);
  await rm(config);
}

/** Programs load the sources, TypeScript the declarations; zod and Kysely are peer dependencies. */
function publishedManifest() {
  const { private: _, scripts: __, devDependencies: ___, exports: sources, ...published } = manifest;
  const exports = Object.fromEntries(
    Object.entries(sources).map(([path, file]) => [
      path,
      { types: file.replace("./src/", "./types/").replace(/\.ts$/, ".d.ts"), default: file },
    ]),
  );
  return { ...published, engines: { bun: ">=1.4" }, files: ["src", "types"], exports };
}

async function run(command: string[], cwd: string): Promise<void> {
  const child = Bun.spawn(command, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed with ${child.exitCode}`);
}
