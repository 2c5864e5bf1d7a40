import manifest from "../../../package.json" with { type: "json" };
import { judgeBun } from "./bun-version.ts";

/**
 * A program, the first of `bun start` and `bun run check`: an older Bun fails on the lockfile, with a message about that.
 * It runs before anything is installed, and under any Bun, so it imports no package.
 */
const [, wanted = ""] = manifest.packageManager.split("@");
const verdict = judgeBun(Bun.version, wanted, process.argv.slice(2).join(" "));
if (verdict !== null) process.stderr.write(`${verdict.message}\n`);
process.exitCode = verdict === null || verdict.isUsable ? 0 : 1;
