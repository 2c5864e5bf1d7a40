import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { TranscriptKind } from "@wharf/protocol";
import { nullIfMissing } from "../spool/files.ts";
import type { LocalFile } from "./file-state.ts";
import { unpackedName } from "./send-unpacked.ts";

type Session = Pick<LocalFile, "agent" | "session_id">;

const ABANDONED = /\.(?:orphaned|superseded)/;
const ENTRIES_MAX = 20_000;

/** All files of the session whose main file this is. They need not exist. */
export async function filesOfSession(session: Session, mainPath: string): Promise<LocalFile[]> {
  if (session.agent !== "claude-code")
    return [{ ...session, file: unpackedName(basename(mainPath)), kind: "main", path: mainPath }];
  const folder = mainPath.replace(/\.jsonl$/, "");
  const main: LocalFile = { ...session, file: "main.jsonl", kind: "main", path: mainPath };
  if (folder === mainPath) return [main];
  const below = [...(await listBelow(folder, "subagents")), ...(await listBelow(folder, "tool-results"))];
  const files = below.flatMap((file) => {
    const kind = kindOf(file);
    return kind === null ? [] : [{ ...session, file, kind, path: join(folder, file) }];
  });
  return [main, ...files];
}

/** The file that states where a file's session began. */
export function originPathOf({ agent, file, path }: LocalFile): string {
  const isBelow =
    agent === "claude-code" && /^(?:subagents|tool-results)\//.test(file) && path.endsWith(`/${file}`);
  return isBelow ? `${path.slice(0, -file.length - 1)}.jsonl` : path;
}

/** Of a file below a session's folder of Claude Code; null for one that is not kept. */
function kindOf(file: string): TranscriptKind | null {
  if (ABANDONED.test(file)) return null;
  if (file.startsWith("tool-results/")) return "tool-result";
  if (file.endsWith(".meta.json")) return "meta";
  if (basename(file) === "journal.jsonl") return "index";
  return file.endsWith(".jsonl") ? "subagent" : null;
}

/** Paths of files below `folder`, which begin with `name`. */
async function listBelow(folder: string, name: string): Promise<string[]> {
  const found: string[] = [];
  const directories = [name];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const entries =
      (await readdir(join(folder, directory), { withFileTypes: true }).catch(nullIfMissing)) ?? [];
    for (const entry of entries) {
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory()) directories.push(path);
      else if (entry.isFile() && found.length < ENTRIES_MAX) found.push(path);
    }
  }
  return found.sort();
}
