import {
  type Fact,
  type Message,
  maxUsage,
  NO_USAGE,
  type ResponsePart,
  TITLE_RANKS,
  type TranscriptFile,
  type Usage,
} from "../index.ts";
import type { FileRead } from "./read-file.ts";

/** A session or subagent, as the cases describe it. */
export type Counted = {
  id: string;
  title: string | null;
  facts: Fact[];
  messages: Message[];
  own: Message[];
  responses: ResponsePart[];
};

type Owned = { part: ResponsePart; owner: string; started_at: string };

/** The id of the session, or of the subagent below it, whose file this is. */
export function idOf({ session_id, file }: TranscriptFile): string {
  const agent = /agent-([^/]+)\.jsonl$/.exec(file)?.[1];
  return agent === undefined ? session_id : `${session_id}/${agent}`;
}

/** All sessions of a home: each response belongs to one of them, in any number of files. */
export function countHome(files: FileRead[]): Counted[] {
  const byId = Map.groupBy(files, ({ file }) => idOf(file));
  const owners = ownersOf(files);
  return [...byId].map(([id, reads]) => {
    const facts = reads.flatMap((read) => read.facts);
    const messages = facts.flatMap((fact) => (fact.fact === "message" ? [fact.message] : []));
    const own = messages.filter((message) => !message.is_copy);
    const responses = [...owners.values()].flatMap(({ part, owner }) => (owner === id ? [part] : []));
    return { id, title: titleOf(facts, messages), facts, messages, own, responses };
  });
}

function ownersOf(files: FileRead[]): Map<string, Owned> {
  const owners = new Map<string, Owned>();
  for (const { file, facts } of files) {
    const started_at = facts.flatMap((fact) => (fact.fact === "message" ? (fact.message.at ?? []) : []))[0];
    for (const fact of facts) {
      if (fact.fact !== "response") continue;
      const candidate = { part: fact.response, owner: idOf(file), started_at: started_at ?? "" };
      const known = owners.get(fact.response.key);
      owners.set(fact.response.key, known === undefined ? candidate : joined(known, candidate));
    }
  }
  return owners;
}

function joined(a: Owned, b: Owned): Owned {
  const first = rankOf(a) <= rankOf(b) ? a : b;
  const part = {
    ...first.part,
    usage: maxUsage(a.part.usage, b.part.usage),
    is_lower_bound: a.part.is_lower_bound && b.part.is_lower_bound,
    cache_write_unsplit: Math.max(a.part.cache_write_unsplit, b.part.cache_write_unsplit),
  };
  return { ...first, part };
}

function rankOf({ part, owner, started_at }: Owned): string {
  return `${Number(part.is_copy)}${Number(part.is_sidechain)}${started_at}${owner}`;
}

export function titleOf(facts: Fact[], messages: Message[]): string | null {
  for (const rank of TITLE_RANKS) {
    const last = facts.findLast((fact) => fact.fact === "title" && fact.rank === rank);
    if (last?.fact === "title") return last.text;
  }
  const prompt = messages.find(({ kind }) => kind === "prompt");
  return prompt === undefined ? null : textOf(prompt);
}

export function textOf({ blocks }: Message): string {
  return blocks.flatMap((block) => (block.type === "text" ? (block.text ?? []) : [])).join("\n");
}

export function count(messages: Message[], kind: Message["kind"]): number {
  return messages.filter((message) => message.kind === kind).length;
}

/** Distinct calls by the name of their tool. */
export function toolsOf(messages: Message[]): Record<string, number> {
  const calls = new Map<string, string>();
  for (const { key, blocks } of messages) {
    blocks.forEach((block, index) => {
      if (block.type === "tool_use") calls.set(block.call_id ?? `${key}-${index}`, block.tool ?? "?");
    });
  }
  return Object.fromEntries([...Map.groupBy(calls.values(), (name) => name)].map(([k, v]) => [k, v.length]));
}

/** Sums of the buckets, unknown ones as nothing. */
export function tokensOf(responses: ResponsePart[]): Omit<Usage, "reasoning" | "web_searches"> {
  const sum = (bucket: keyof Usage) =>
    responses.reduce((total, { usage }) => total + (usage[bucket] ?? NO_USAGE[bucket] ?? 0), 0);
  return {
    input: sum("input"),
    output: sum("output"),
    cache_read: sum("cache_read"),
    cache_write_5m: sum("cache_write_5m"),
    cache_write_1h: sum("cache_write_1h"),
  };
}
