import { claudeCodeFiles } from "./claude-code-files.ts";
import { codexFiles } from "./codex-files.ts";
import type { DemoFile } from "./demo-file.ts";
import type { DemoSession } from "./session.ts";

export function filesOf(session: DemoSession): DemoFile[] {
  return session.agent === "codex" ? codexFiles(session) : claudeCodeFiles(session);
}
