import { readFile } from "node:fs/promises";
import { delimiter } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { programFiles, readInstallation } from "../../install/program.ts";
import type { Io } from "../io.ts";
import type { Check } from "./check-hub.ts";

const NODE_MAJOR_MIN = 20;

/** The runtime and the installed program. */
export async function checkMachine(io: Io): Promise<Check[]> {
  return [checkRuntime(), await checkProgram(io)];
}

function checkRuntime(): Check {
  const { bun, node } = process.versions;
  const detail = bun === undefined ? `Node ${node}` : `Bun ${bun}`;
  const isUsable = bun !== undefined || Number.parseInt(node, 10) >= NODE_MAJOR_MIN;
  return {
    name: "runtime",
    status: isUsable ? "ok" : "fail",
    detail,
    fix: isUsable ? null : "install Bun, or Node 20 or newer",
  };
}

async function checkProgram({ paths, environment }: Io): Promise<Check> {
  const name = "program";
  const { version } = manifest;
  const installation = await readInstallation(paths);
  if (installation === null)
    return { name, status: "ok", detail: `version ${version}, not installed by install.sh`, fix: null };
  const { shim } = programFiles(paths);
  const text = await readFile(shim, "utf8").catch(() => null);
  if (text === null)
    return {
      name,
      status: "fail",
      detail: `${shim} is missing`,
      fix: "paste the line of `bun run enrol` again",
    };
  const isOnPath = (environment["PATH"] ?? "").split(delimiter).includes(paths.bin);
  if (isOnPath) return { name, status: "ok", detail: `version ${version}, ${shim}`, fix: null };
  return {
    name,
    status: "warn",
    detail: `${paths.bin} is not on the PATH`,
    fix: `export PATH="${paths.bin}:$PATH"`,
  };
}
