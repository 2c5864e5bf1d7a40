import { basename, join, relative } from "node:path";
import type { TranscriptKind } from "@wharf/protocol";
import { listFilesBelow } from "../spool/files.ts";
import type { LocalFile } from "./file-state.ts";
import { unpackedName } from "./send-unpacked.ts";

type Session = Pick<LocalFile, "agent" | "session_id">;

const ABANDONED = /\.(?:orphaned|superseded)/;
/** In each of its folders. */
const FILES_MAX = 20_000;

/** All files of the session whose main file this is. They need not exist. */
export async function filesOfSession(session: Session, mainPath: string): Promise<LocalFile[]> {
  if (session.agent !== "claude-code")
    return [{ ...session, file: unpackedName(basename(mainPath)), kind: "main", path: mainPath }];
  const folder = mainPath.replace(/\.jsonl$/, "");
  const main: LocalFile = { ...session, file: "main.jsonl", kind: "main", path: mainPath };
  if (folder === mainPath) return [main];
  const below = ["subagents", "tool-results"].map((name) => listFilesBelow(join(folder, name), FILES_MAX));
  const files = (await Promise.all(below)).flat().flatMap((path) => {
    const file = relative(folder, path);
    const kind = kindOf(file);
    return kind === null ? [] : [{ ...session, file, kind, path }];
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
