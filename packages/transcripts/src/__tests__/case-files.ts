import { Database } from "bun:sqlite";
import { basename, join } from "node:path";
import { Glob } from "bun";
import type { Agent, JsonObject, TranscriptFile } from "../index.ts";
import { CASES } from "./read-file.ts";

/** A file of a case, as a device sends it. */
export type CaseFile = TranscriptFile & {
  agent: Agent;
  kind: "main" | "subagent" | "tool-result" | "meta" | "index";
  /** In the case's folder; of a database's rows, no file has it. */
  path: string;
  bytes: Uint8Array;
};

/** All files of a case, in the order of their paths. */
export async function filesOfCase(folder: string): Promise<CaseFile[]> {
  const home = join(CASES, folder);
  const files = [
    ...(await claudeFiles(home)),
    ...(await codexFiles(home)),
    ...(await geminiFiles(home)),
    ...(await opencodeFiles(home)),
  ];
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function pathsOf(home: string, pattern: string): string[] {
  return [...new Glob(pattern).scanSync({ cwd: home, dot: true })].sort();
}

/** The session and the place below its folder of a file of `projects/<folder>/`. */
export async function identifyClaudeFile(project: string, path: string): Promise<TranscriptFile> {
  const [first = "", ...rest] = path.split("/");
  if (rest.length > 0) return { session_id: first, file: rest.join("/") };
  if (!first.startsWith("agent-")) return { session_id: basename(first, ".jsonl"), file: first };
  const text = await Bun.file(join(project, path)).text();
  return { session_id: JSON.parse(text.slice(0, text.indexOf("\n"))).sessionId, file: `subagents/${first}` };
}

async function claudeFiles(home: string): Promise<CaseFile[]> {
  const paths = pathsOf(home, "home/.claude/projects/*/**/*.{jsonl,json,txt}");
  return await Promise.all(
    paths.map(async (path) => {
      const project = path.split("/").slice(0, 4).join("/");
      const place = await identifyClaudeFile(join(home, project), path.slice(project.length + 1));
      const kind = claudeKind(place.file);
      return { ...place, agent: "claude-code", kind, path, bytes: await bytesOf(home, path) };
    }),
  );
}

function claudeKind(file: string): CaseFile["kind"] {
  if (file.endsWith(".meta.json")) return "meta";
  if (file.startsWith("tool-results/")) return "tool-result";
  if (file.endsWith("journal.jsonl")) return "index";
  return /(?:^|\/)agent-/.test(file) ? "subagent" : "main";
}

export function sessionOfRollout(path: string): string {
  return /(.{36})\.jsonl$/.exec(path)?.[1] ?? "";
}

async function codexFiles(home: string): Promise<CaseFile[]> {
  return await Promise.all(
    pathsOf(home, "home/.codex/sessions/**/*.jsonl").map(async (path) => ({
      session_id: sessionOfRollout(path),
      file: basename(path),
      agent: "codex" as const,
      kind: "main" as const,
      path,
      bytes: await bytesOf(home, path),
    })),
  );
}

async function geminiFiles(home: string): Promise<CaseFile[]> {
  return await Promise.all(
    pathsOf(home, "home/.gemini/tmp/*/chats/*.jsonl").map(async (path) => ({
      session_id: /([^-]+)\.jsonl$/.exec(path)?.[1] ?? "",
      file: basename(path),
      agent: "gemini-cli" as const,
      kind: "main" as const,
      path,
      bytes: await bytesOf(home, path),
    })),
  );
}

/** A database is no text: the case has it as statements. */
async function opencodeFiles(home: string): Promise<CaseFile[]> {
  const statements = Bun.file(join(home, "opencode.sql"));
  if (!(await statements.exists())) return [];
  const database = new Database(":memory:");
  database.run(await statements.text());
  const sessions = ["session", "session_v2"].flatMap((table) =>
    database.query<{ id: string }, []>(`SELECT id FROM ${table}`).all(),
  );
  const ids = [...new Set(sessions.map(({ id }) => id))].sort();
  return ids.map((session_id) => ({
    session_id,
    file: "rows.jsonl",
    agent: "opencode",
    kind: "main",
    path: `opencode.db/${session_id}`,
    bytes: new TextEncoder().encode(linesOf(database, session_id)),
  }));
}

/** The rows of a session as lines: the session, its messages in their order, and each message's parts behind it. */
function linesOf(database: Database, session: string): string {
  const rows = (table: string, where: string, id: string) =>
    database.query<JsonObject, [string]>(`SELECT * FROM ${table} WHERE ${where} = ? ORDER BY id`).all(id);
  const lines: { table: string; row: JsonObject }[] = [];
  for (const table of ["session", "session_v2"])
    lines.push(...rows(table, "id", session).map((row) => ({ table, row })));
  for (const row of rows("message", "session_id", session)) {
    const parts = rows("part", "message_id", String(row["id"]));
    lines.push({ table: "message", row }, ...parts.map((part) => ({ table: "part", row: part })));
  }
  lines.push(
    ...rows("session_message", "session_id", session).map((row) => ({ table: "session_message", row })),
  );
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

async function bytesOf(home: string, path: string): Promise<Uint8Array> {
  return await Bun.file(join(home, path)).bytes();
}
