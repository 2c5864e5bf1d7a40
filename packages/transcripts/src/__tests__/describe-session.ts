import type { Fact, Subagent } from "../index.ts";
import { type Counted, count, textOf, tokensOf, toolsOf } from "./hub.ts";

export type SubagentOf = { id: string } & Partial<Subagent>;

/** What a case may expect of a session, by its name there. */
export function describeSession(session: Counted, subagents: SubagentOf[]): Record<string, unknown> {
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
    reasoning_tokens: responses.reduce((sum, { usage }) => sum + (usage.reasoning ?? 0), 0),
    tool_errors: own.flatMap(({ blocks }) => blocks.filter((block) => block.is_error === true)).length,
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
