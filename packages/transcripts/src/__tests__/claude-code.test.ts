import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { claudeCode, type Fact, type TranscriptFile } from "../index.ts";
import { identifyClaudeFile } from "./case-files.ts";
import { describeSession } from "./describe-session.ts";
import { countHome } from "./hub.ts";
import { CASES, casesOf, type Expected, type FileRead, readTranscript } from "./read-file.ts";

const folders = casesOf(".claude");

async function readHome(folder: string, part_bytes?: number) {
  const home = join(CASES, folder);
  const files: { path: string; read: FileRead }[] = [];
  const metas: { file: TranscriptFile; facts: Fact[] }[] = [];
  const paths = new Glob("home/.claude/projects/*/**/*.{jsonl,meta.json}").scanSync({ cwd: home, dot: true });
  for (const path of [...paths].sort()) {
    const project = path.split("/").slice(0, 4).join("/");
    const file = await identifyClaudeFile(join(home, project), path.slice(project.length + 1));
    if (path.endsWith(".json"))
      metas.push({
        file,
        facts: claudeCode.readMeta?.(file.file, await Bun.file(join(home, path)).json()) ?? [],
      });
    else files.push({ path, read: await readTranscript(claudeCode, join(home, path), file, part_bytes) });
  }
  const journals = files.filter(({ path }) => path.endsWith("journal.jsonl"));
  const transcripts = files.filter(({ path }) => !path.endsWith("journal.jsonl"));
  const counted = countHome(transcripts.map(({ read }) => read));
  const subagentFacts = [...transcripts, ...journals].flatMap(({ read }) =>
    withSession(read.file, read.facts),
  );
  return {
    files,
    counted,
    subagents: [...subagentFacts, ...metas.flatMap((m) => withSession(m.file, m.facts))],
  };
}

function withSession({ session_id }: TranscriptFile, facts: Fact[]) {
  return facts.flatMap((fact) =>
    fact.fact === "subagent" ? [{ id: `${session_id}/${fact.agent_id}`, ...fact.subagent }] : [],
  );
}

describe("Claude Code", () => {
  for (const folder of folders) {
    test(`reads ${folder} as expected, cut into parts anywhere`, async () => {
      const expected: Expected = await Bun.file(join(CASES, folder, "expected.json")).json();
      for (const part_bytes of [1, 97, 1_000_000]) {
        const { files, counted, subagents } = await readHome(folder, part_bytes);
        const sessions = counted.map((session) => describeSession(session, subagents));
        expect(sessions.map(({ id }) => id).sort()).toEqual(expected.sessions.map(({ id }) => id).sort());
        for (const wanted of expected.sessions) {
          const { incomplete: _, ...values } = wanted;
          expect(sessions.find(({ id }) => id === wanted.id)).toMatchObject(values);
        }
        for (const [path, lines] of Object.entries(expected.lines))
          expect({ path, ...files.find((file) => file.path === path)?.read.lines }).toMatchObject({
            path,
            ...lines,
          });
        if (expected.replaced_characters !== undefined)
          expect(files.reduce((sum, { read }) => sum + read.replaced_characters, 0)).toBe(
            expected.replaced_characters,
          );
      }
    });
  }

  test("has cases to read", () => {
    expect(folders.length).toBeGreaterThanOrEqual(14);
  });
});
