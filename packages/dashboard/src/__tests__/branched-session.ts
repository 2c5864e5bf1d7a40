import { called, createRecorder, said } from "./claude-records.ts";

export const BRANCHED_ID = "91c4a1de-7d3b-4f52-9c0e-5a6f2d8b4e13";
const AGENT_ID = "a1";

type BranchedFile = { file: string; kind: "meta" | "subagent" | "main"; text: string };

/** The files of a session in which a person went back to an earlier prompt, the context was compacted, and a subagent ran. */
export function branchedFiles(): BranchedFile[] {
  const { record, prompt, answer, result, last } = createRecorder(BRANCHED_ID);
  const beginning = prompt("Sort the list") + answer("msg_1", said("By name or by date?"));
  const question = last();
  const main = [
    beginning,
    prompt("By name"),
    answer("msg_2", said("It is sorted by name.")),
    prompt("By date", { parent: question }),
    answer("msg_3", said("It is sorted by date.")),
    record("system", {
      ...{ subtype: "compact_boundary", content: "Conversation compacted" },
      compactMetadata: { trigger: "manual", preTokens: 90_000, postTokens: 4_000 },
    }),
    record("user", {
      isCompactSummary: true,
      message: { role: "user", content: "The summary: a list was **sorted by date**." },
    }),
    prompt("Review it"),
    answer("msg_4", called("call_1", "Task", { description: "Review the order", prompt: "Check the order" })),
    result("call_1", "The order is right."),
    answer("msg_5", said("The review found nothing.")),
  ].join("");

  const subagent = createRecorder(BRANCHED_ID, AGENT_ID);
  const review = [
    subagent.prompt("Check the order"),
    subagent.answer("msg_s1", called("call_s1", "Bash", { command: "sort --check list.txt" })),
    subagent.result("call_s1", "the list is in order"),
    subagent.answer("msg_s2", said("Every line is behind the one before it.")),
  ].join("");
  const meta = { agentType: "reviewer", description: "Review the order", toolUseId: "call_1" };
  return [
    { file: `subagents/agent-${AGENT_ID}.meta.json`, kind: "meta", text: JSON.stringify(meta) },
    { file: `subagents/agent-${AGENT_ID}.jsonl`, kind: "subagent", text: review },
    { file: `${BRANCHED_ID}.jsonl`, kind: "main", text: main },
  ];
}
