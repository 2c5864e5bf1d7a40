import { describe, expect, test } from "bun:test";
import { basename, join } from "node:path";
import { Glob } from "bun";
import { claudeCode, type Fact, type TranscriptFile } from "../index.ts";
import { type Counted, count, countHome, textOf, tokensOf, toolsOf } from "./hub.ts";
import { CASES, type FileRead, readTranscript } from "./read-file.ts";

type Expected = {
  sessions: (Record<string, unknown> & { id: string })[];
  totals: Record<string, unknown>;
  lines: Record<string, Record<string, number>>;
  replaced_characters?: number;
};

const folders = [...new Glob("*/home/.claude").scanSync({ cwd: CASES, onlyFiles: false, dot: true })]
  .map((path) => path.split("/")[0] ?? "")
  .sort();

/** The session and the place below its folder of a file of `projects/<folder>/`. */
async function identify(project: string, path: string): Promise<TranscriptFile> {
  const [first = "", ...rest] = path.split("/");
  if (rest.length > 0) return { session_id: first, file: rest.join("/") };
  if (!first.startsWith("agent-")) return { session_id: basename(first, ".jsonl"), file: first };
  const text = await Bun.file(join(project, path)).text();
  return { session_id: JSON.parse(text.slice(0, text.indexOf("\n"))).sessionId, file: `subagents/${first}` };
}

async function readHome(folder: string, part_bytes?: number) {
  const home = join(CASES, folder);
  const files: { path: string; read: FileRead }[] = [];
  const metas: { file: TranscriptFile; facts: Fact[] }[] = [];
  const paths = new Glob("home/.claude/projects/*/**/*.{jsonl,meta.json}").scanSync({ cwd: home, dot: true });
  for (const path of [...paths].sort()) {
    const project = path.split("/").slice(0, 4).join("/");
    const file = await identify(join(home, project), path.slice(project.length + 1));
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

type Subagents = Awaited<ReturnType<typeof readHome>>["subagents"];

/** What a case may expect of a session, by its name there. */
function describeSession(session: Counted, subagents: Subagents): Record<string, unknown> {
  const { facts, messages, own, responses } = session;
  const of = <Kind extends Fact["fact"]>(kind: Kind) =>
    facts.filter((fact): fact is Extract<Fact, { fact: Kind }> => fact.fact === kind);
  const copies = messages.filter(({ is_copy }) => is_copy);
  const copiedResponses = new Set(copies.flatMap(({ response_key }) => response_key ?? []));
  const subagent = Object.assign({}, ...subagents.filter(({ id }) => id === session.id).map(withoutNulls));
  const [root] = session.id.split("/");
  const reported = of("reported_cost").at(-1);
  return {
    id: session.id,
    title: session.title,
    prompts: count(own, "prompt"),
    copied_prompts: count(copies, "prompt"),
    commands: own.filter(({ kind }) => kind === "command").map(textOf),
    shell_commands: count(own, "shell_command"),
    interruptions: count(own, "interruption"),
    responses: responses.length,
    copied_responses: copiedResponses.size,
    models: [...new Set(responses.map(({ model }) => model))],
    tools: toolsOf(own),
    images: own.flatMap(({ blocks }) => blocks.filter(({ type }) => type === "image")).length,
    tokens: tokensOf(responses),
    thinking_tokens: responses.reduce((sum, { usage }) => sum + (usage.reasoning ?? 0), 0),
    cache_write_unsplit: responses.reduce((sum, part) => sum + part.cache_write_unsplit, 0),
    by_speed: { fast: responses.filter(({ speed }) => speed === "fast").length },
    output_lower_bound: responses.filter((part) => part.is_lower_bound).map(({ key }) => key),
    api_errors: of("api_error").length,
    compactions: of("compaction").map(({ trigger, tokens_before, tokens_after }) => ({
      trigger,
      pre: tokens_before,
      post: tokens_after,
    })),
    forked_from: of("origin").at(-1)?.forked_from ?? null,
    spilled: own.flatMap(({ blocks }) =>
      blocks.flatMap(({ call_id, spilled }) =>
        spilled === null
          ? []
          : [{ tool_use_id: call_id, file: `${session.id}/${spilled.file}`, size: spilled.bytes }],
      ),
    ),
    reported_cost_usd: reported?.cost_usd ?? null,
    reported_tokens: Object.fromEntries(
      Object.entries(reported?.models ?? {}).map(([model, { input, output }]) => [model, { input, output }]),
    ),
    parent:
      subagent.parent_agent_id === undefined
        ? session.id === root
          ? null
          : root
        : `${root}/${subagent.parent_agent_id}`,
    spawned_by: subagent.call_id,
    agent_type: subagent.agent_type,
    workflow: subagent.workflow,
    label: subagent.label,
  };
}

function withoutNulls(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
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
